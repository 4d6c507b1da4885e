"""Merging two students: everything follows, and where both have one, a stated rule decides."""

import random
import uuid
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, models

from classroom.attention.models import AttentionCase
from classroom.errors.models import Hint, HintRecipient
from classroom.privacy.models import ErasureRequest
from classroom.students.models import StudentNote
from events.models import CellExecution, CellProgress, ClientHealth, HelpRequest, OfflineQueueEntry, RunCount
from instructors.models import AuditLog
from lms import merging, rooms, seating
from lms.models import (
    AssignmentSubmission,
    Cell,
    DueDateExtension,
    EnvironmentSnapshot,
    ProgressNotification,
    Session,
    Student,
    StudentActivity,
    StudentAddress,
    StudentClass,
    StudentToken,
)
from lms.models.versions import NotebookHistory, NotebookSnapshot
from lms.seat_grid import Grid
from lms.submissions import latest
from lms.versions.snapshots import store_submission
from tests.events.conftest import event, failing
from tests.lms.merging.conftest import KEPT, OTHER


def merge(pair):
    counts = merging.merge_students(kept_id=pair.kept.pk, other_id=pair.other.pk)
    pair.kept.refresh_from_db()
    return counts


def state_of(student_id):
    """What is derived from events, without row ids."""
    left_out = {"id", "student", "session", "current_notebook", "created_at", "updated_at", "email", "email_key"}

    def values(model, *order):
        columns = [field.name for field in model._meta.fields if field.name not in left_out]
        return list(model.objects.filter(student=student_id).order_by(*order).values_list(*columns))

    person = [field.name for field in Student._meta.fields if field.name not in left_out]
    return {
        "person": list(Student.objects.filter(pk=student_id).values_list(*person)),
        "activity": values(StudentActivity, "class_id"),
        "counts": values(RunCount, "class_id", "slot"),
        "progress": [
            tuple(row)
            for row in CellProgress.objects.filter(student=student_id)
            .order_by("class_id", "cell")
            .values_list("class_id", "cell", "run_count", "error_count", "last_status", "last_run_at", "last_error_at")
        ],
        "sessions": list(
            Session.objects.filter(student=student_id)
            .order_by("class_id", "session_id")
            .values_list("class_id", "session_id", "start_time", "is_active", "last_event_at")
        ),
        "runs": CellExecution.objects.filter(student=student_id).count(),
    }


@pytest.mark.parametrize("seed", range(4))
def test_it_is_as_if_all_had_come_from_one_address(event_pipeline, course, clock, seed):
    chance = random.Random(seed)
    records = []
    for number in range(40):
        make = failing if chance.random() < 0.4 else event
        cell = f"cell-{chance.randrange(4)}"
        at = clock(number * 30)
        session = f"session-{chance.randrange(3)}"
        records.append(make(cellId=cell, eventTime=at, sessionId=session, userName="Hanako"))
    through = [chance.choice([None, course.python.pk]) for _ in records]
    mistyped = [chance.random() < 0.5 for _ in records]
    for record, class_id, is_other in zip(records, through, mistyped, strict=True):
        alone = {**record, "emailAddress": "one@example.com", "eventId": str(uuid.uuid4())}
        both = {**record, "emailAddress": OTHER if is_other else KEPT}
        event_pipeline.append(alone, both, class_id=class_id)
    event_pipeline.drain()
    rows = {student.email: student.pk for student in Student.objects.all()}
    merging.merge_students(kept_id=rows[KEPT], other_id=rows[OTHER])
    assert state_of(rows[KEPT]) == state_of(rows["one@example.com"])
    assert not Student.objects.filter(pk=rows[OTHER]).exists()


def test_every_table_of_students_is_cared_for():
    """A new table that is unique over its student needs a rule: merging.HANDLED or RESOLVED, and a statement."""
    for relation in Student._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or not relation.related_model._meta.managed:
            continue
        table, field = relation.related_model._meta.db_table, relation.field.name
        once = [
            constraint.name
            for constraint in relation.related_model._meta.constraints
            if isinstance(constraint, models.UniqueConstraint) and field in constraint.fields
        ]
        if once or relation.field.unique:
            assert table in merging.HANDLED | merging.RESOLVED, (table, once)


def test_no_reference_stays(pair, course):
    """Whatever the tables are called: nothing in the database names the student who is gone."""
    gone = pair.other.pk
    merge(pair)
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.related_model is Student and model._meta.managed:
                assert not model._default_manager.filter(**{field.attname: gone}).exists(), model


def test_all_hand_ins_are_kept_and_the_newest_counts(pair, course):
    first = AssignmentSubmission.objects.create(
        assignment=course.loops,
        student=pair.kept,
        grade=7,
        feedback="Good.",
        submitted_at=pair.now,
        idempotency_key="k",
    )
    second = AssignmentSubmission.objects.create(
        assignment=course.loops, student=pair.other, submitted_at=pair.now + timedelta(hours=1), idempotency_key="k"
    )
    [shared] = merging.shared_work(pair.kept.pk, pair.other.pk)
    assert (shared.title, shared.attempts, shared.counts, shared.is_graded) == ("Loops", 2, second, False)
    counts = merge(pair)
    assert counts["hand_ins"] == 1
    rows = AssignmentSubmission.objects.filter(student=pair.kept).order_by("pk")
    assert [(row.pk, row.grade, row.feedback, row.idempotency_key) for row in rows] == [
        (first.pk, 7, "Good.", "k"),
        (second.pk, None, None, None),
    ]
    assert latest(rows).get() == second


def test_versions_of_both_stay_in_one_history(pair, course):
    for number, student in enumerate([pair.kept, pair.other, pair.other]):
        content = {"cells": [], "metadata": {"n": number % 2}, "nbformat": 4, "nbformat_minor": 5}
        row = AssignmentSubmission.objects.create(
            assignment=course.loops, student=student, notebook_content=content, content_sha256=str(number % 2) * 64
        )
        store_submission(row)
    assert NotebookHistory.objects.count() == 2
    assert merge(pair)["versions"] == 2
    history = NotebookHistory.objects.get()
    assert history.student == pair.kept
    snapshots = NotebookSnapshot.objects.order_by("snapshot_id")
    assert [each.history for each in snapshots] == [history, history]  # the content that both have is one
    assert {each.metadata["submission"]["student_id"] for each in snapshots} == {pair.kept.pk}


def test_enrolments_become_one_and_lack_nothing(pair, course):
    StudentClass.objects.filter(student=pair.kept).update(name="Hanako", team=None, reading=None, student_number=None)
    other = StudentClass.objects.get(student=pair.other)
    other.name, other.student_number, other.reading = "H.", "B-1", "はなこ"
    other.save()
    merge(pair)
    row = StudentClass.objects.get(student=pair.kept, class_ref=course.python)
    assert (row.name, row.student_number, row.reading) == ("Hanako", "B-1", "はなこ")
    assert row.reading_key == other.reading_key
    assert StudentClass.objects.count() == 1


def test_seats_follow_and_the_kept_ones_stay(pair, course):
    """In the lab both have a seat, in the hall only the row that goes."""
    lab, hall = (
        rooms.make_room(course.python.pk, name=name, seats=Grid(rows=1, columns=2).seats(), now=pair.now)
        for name in ("Lab", "Hall")
    )
    for room, label, student in ((lab, "A1", pair.kept), (lab, "A2", pair.other), (hall, "A2", pair.other)):
        seating.assign(room, {room.seats.get(label=label).pk: student.pk}, now=pair.now)
    merge(pair)
    seats = [rooms.SeatOf(lab.pk, "Lab", "A1"), rooms.SeatOf(hall.pk, "Hall", "A2")]
    assert rooms.seats_of(course.python.pk) == {pair.kept.pk: seats}


def test_seats_of_a_class_of_the_other_row_alone(pair, course):
    StudentClass.objects.filter(student=pair.kept).delete()
    lab = rooms.make_room(course.python.pk, name="Lab", seats=Grid(rows=1, columns=1).seats(), now=pair.now)
    seating.assign(lab, {lab.seats.get().pk: pair.other.pk}, now=pair.now)
    merge(pair)
    assert rooms.seats_of(course.python.pk) == {pair.kept.pk: [rooms.SeatOf(lab.pk, "Lab", "A1")]}


def test_what_is_open_twice_stays_open_once(pair, course):
    for student, minutes in ((pair.kept, 0), (pair.other, 1)):
        at = pair.now + timedelta(minutes=minutes)
        HelpRequest.objects.create(
            student=student, class_id=course.python.pk, asked_at=at, last_asked_at=at, last_heard_at=at
        )
        AttentionCase.objects.create(student=student, class_ref=course.python, code="stuck", opened_at=at)
    newest = HelpRequest.objects.get(student=pair.other)
    case = AttentionCase.objects.get(student=pair.other)
    merge(pair)
    assert HelpRequest.objects.get(ended_at=None) == newest
    assert AttentionCase.objects.get(ended_at=None) == case
    assert set(HelpRequest.objects.values_list("student", flat=True)) == {pair.kept.pk}
    assert AttentionCase.objects.filter(student=pair.kept).count() == 2


def test_the_newest_report_of_a_client_stays(pair, course):
    for student, version, hours in ((pair.kept, "1", 0), (pair.other, "2", 1)):
        at = pair.now + timedelta(hours=hours)
        ClientHealth.objects.create(student=student, class_id=course.python.pk, version=version, reported_at=at)
    ClientHealth.objects.create(student=pair.other, class_id=0, version="0", reported_at=pair.now)
    merge(pair)
    rows = ClientHealth.objects.filter(student=pair.kept).order_by("class_id")
    assert [row.version for row in rows] == ["0", "2"]


def test_of_two_extensions_the_later_one_counts(pair, course):
    for student, hours in ((pair.kept, 1), (pair.other, 2)):
        DueDateExtension.objects.create(
            assignment=course.loops, student=student, due_date=pair.now + timedelta(hours=hours)
        )
    merge(pair)
    extension = DueDateExtension.objects.get()
    assert (extension.student, extension.due_date) == (pair.kept, pair.now + timedelta(hours=2))


def test_of_two_requests_to_be_erased_the_first_stays_open(pair, course):
    for student, hours in ((pair.kept, 2), (pair.other, 1)):
        ErasureRequest.objects.create(
            student=student, class_ref=course.python, asked_at=pair.now - timedelta(hours=hours), text="Please."
        )
    first = ErasureRequest.objects.get(student=pair.kept)
    merge(pair)
    assert [each.status for each in ErasureRequest.objects.order_by("asked_at")] == ["open", "withdrawn"]
    assert ErasureRequest.objects.get(withdrawn_at=None) == first
    assert ErasureRequest.objects.filter(student=pair.kept).count() == 2


def test_a_hint_was_received_once(pair, course):
    cell = Cell.objects.first()
    hint = Hint.objects.create(
        nonce=uuid.uuid4(),
        class_ref=course.python,
        cell=cell,
        notebook=cell.notebook,
        error_name="",
        fingerprint="f",
        text="Look again.",
    )
    for student in (pair.kept, pair.other):
        HintRecipient.objects.create(hint=hint, student=student)
    merge(pair)
    assert HintRecipient.objects.get().student == pair.kept


def test_notes_devices_environments_and_notifications_follow(pair, course):
    StudentNote.objects.create(student=pair.other, class_ref=course.python, author=course.teacher, text="Likes loops.")
    StudentToken.objects.create(
        student=pair.other, class_ref=course.python, token_hash="h", hint="x", check_number="11", confirmed_at=pair.now
    )
    EnvironmentSnapshot.objects.create(
        student=pair.other, class_ref=course.python, captured_at=pair.now, source="client"
    )
    for recipient in (OTHER, str(pair.other.pk)):
        ProgressNotification.objects.create(
            notification_id=uuid.uuid4(), recipient_id=recipient, title="t", message="m"
        )
    OfflineQueueEntry.objects.create(event_data={}, user_id=OTHER)
    counts = merge(pair)
    assert {kind: counts[kind] for kind in ("notes", "devices", "environments", "runs", "classes")} == {
        "notes": 1, "devices": 1, "environments": 1, "runs": 1, "classes": 1,
    }  # fmt: skip
    assert StudentNote.objects.get().student == pair.kept
    assert StudentToken.objects.get().student == pair.kept
    assert EnvironmentSnapshot.objects.get().student == pair.kept
    recipients = ProgressNotification.objects.order_by("pk").values_list("recipient_id", flat=True)
    assert list(recipients) == [KEPT, str(pair.kept.pk)]
    assert OfflineQueueEntry.objects.get().user_id == KEPT


def test_the_address_stays_known(pair):
    merge(pair)
    assert StudentAddress.objects.get().student == pair.kept
    assert StudentAddress.objects.get().email == OTHER


def test_three_rows_become_one(pair, event_pipeline, course):
    event_pipeline.post(event(emailAddress="hana@example.com"), class_id=course.python.pk)
    third = Student.objects.get(email="hana@example.com")
    merging.merge_students(kept_id=pair.other.pk, other_id=third.pk)
    merge(pair)
    assert CellExecution.objects.filter(student=pair.kept).count() == 3
    assert {row.email for row in pair.kept.former_addresses.all()} == {OTHER, "hana@example.com"}


def test_nobody_is_merged_with_themselves_or_with_nobody(pair):
    with pytest.raises(ValueError, match="themselves"):
        merging.merge_students(kept_id=pair.kept.pk, other_id=pair.kept.pk)
    with pytest.raises(Student.DoesNotExist):
        merging.merge_students(kept_id=pair.kept.pk, other_id=999_999)
    assert Student.objects.count() == 2


def test_a_row_that_cannot_follow_refuses_everything(pair):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE later_table (student_id bigint REFERENCES students (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        cursor.execute("INSERT INTO later_table VALUES (%s)", [pair.other.pk])
    before = state_of(pair.other.pk)
    with pytest.raises(IntegrityError):
        merge(pair)
    assert state_of(pair.other.pk) == before
    assert not AuditLog.objects.exists()


def test_identities_are_in_order_afterwards(pair):
    merge(pair)
    call_command("check_identities")
