"""What still comes with a former address is the person's: events, tokens, hand-ins, lists."""

import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import connection, connections, transaction

from events.contract import schema
from events.contract.records import Record
from events.intake.app import admit_body
from events.models import CellExecution, HelpRequest
from lms import access, credential_holders, merging, student_tokens
from lms.enrolment import ListedStudent, enrol_listed
from lms.models import Student, StudentAddress, StudentClass
from operations.privacy.person import find_person
from tests.events.conftest import event
from tests.lms.merging.conftest import KEPT, OTHER


@pytest.fixture
def merged(pair):
    merging.merge_students(kept_id=pair.kept.pk, other_id=pair.other.pk)
    pair.kept.refresh_from_db()
    return pair.kept


def test_events_that_wait_in_the_stream_are_the_persons(pair, event_pipeline, course):
    event_pipeline.append(event(emailAddress=OTHER), event(emailAddress=OTHER, kind="help"), class_id=course.python.pk)
    merging.merge_students(kept_id=pair.kept.pk, other_id=pair.other.pk)
    event_pipeline.drain()
    assert Student.objects.get() == pair.kept
    assert CellExecution.objects.filter(student=pair.kept).count() == 3
    assert HelpRequest.objects.get().student == pair.kept


def test_two_addresses_in_one_batch_are_one_student(merged, event_pipeline, course):
    before = Student.objects.get().execution_count
    event_pipeline.append(
        event(emailAddress=OTHER, userName="Hanako"), event(emailAddress=KEPT, userName="Hanako"),
        event(emailAddress="new@example.com"), class_id=course.python.pk,
    )  # fmt: skip
    event_pipeline.drain()
    assert Student.objects.get(pk=merged.pk).execution_count == before + 2
    assert StudentClass.objects.filter(class_ref=course.python).count() == 2
    assert Student.objects.count() == 2


def test_dashboards_hear_of_the_present_address(merged, event_pipeline, course, monkeypatch):
    from events.processing import notifications

    heard = []
    monkeypatch.setattr(notifications, "announce_changes", lambda batches: heard.extend(batches))
    event_pipeline.post(event(emailAddress=OTHER), class_id=course.python.pk)
    assert {each.email for changes in heard for each in changes.events} == {KEPT}


def test_a_device_that_still_says_the_former_address_is_heard(pair, course):
    token = student_tokens.claim(course.python.pk, student_tokens.Claim(email=OTHER), now=datetime.now(UTC))[1]
    merging.merge_students(kept_id=pair.kept.pk, other_id=pair.other.pk)
    holder = credential_holders.holder_of_token(token)
    assert (holder.student_id, holder.email, holder.former) == (pair.kept.pk, KEPT, (OTHER,))
    body = schema.msgspec.json.encode([event(emailAddress=OTHER), event(emailAddress="ren@example.com")])
    admitted = admit_body(body, class_id=course.python.pk, student=holder.email, former=holder.former)
    assert [each.email for each in admitted.events] == [KEPT]
    refused = schema.admit(
        Record(eventType="cell_executed", emailAddress="ren@example.com"), received=0, student=KEPT, former=(OTHER,)
    )
    assert refused == schema.WRONG_STUDENT


def test_a_device_that_joins_with_it_is_the_persons(merged, course):
    row, _ = student_tokens.claim(course.python.pk, student_tokens.Claim(email=OTHER), now=datetime.now(UTC))
    assert row.student_id == merged.pk


def test_a_list_with_it_means_the_person(merged, course):
    done = enrol_listed(course.python.pk, [ListedStudent(email=OTHER.upper(), name="花子")], now=datetime.now(UTC))
    assert (done.created, done.updated) == (0, 1)
    assert Student.objects.get() == merged


def test_they_are_found_by_it(merged):
    assert access.with_email(Student.objects.all(), OTHER.upper()).get() == merged
    assert access.with_email(Student.objects.all(), KEPT).get() == merged
    assert not access.with_email(Student.objects.all(), "nobody@example.com").exists()


def test_an_erasure_finds_it(merged):
    person = find_person(OTHER)
    assert person.student_ids == (merged.pk,)
    assert person.is_called(OTHER)
    assert person.is_called(KEPT)
    assert OTHER not in person.cut(f"Mail {OTHER} or {KEPT}.")
    assert find_person(KEPT).is_called(OTHER)


# --- Correcting an address ------------------------------------------------------------------------------------------


def test_a_corrected_address_keeps_everything_and_the_old_one_known(pair, event_pipeline, course):
    student = merging.correct_address(student_id=pair.other.pk, email="Hana.Sato@example.com")
    assert (student.email, student.email_key) == ("Hana.Sato@example.com", "hana.sato@example.com")
    event_pipeline.post(event(emailAddress=OTHER), class_id=course.python.pk)
    assert CellExecution.objects.filter(student=pair.other).count() == 2
    merging.correct_address(student_id=pair.other.pk, email=OTHER)  # and back
    assert [row.email for row in StudentAddress.objects.all()] == ["Hana.Sato@example.com"]


def test_another_spelling_is_no_other_address(pair):
    merging.correct_address(student_id=pair.other.pk, email=OTHER.upper())
    assert not StudentAddress.objects.exists()


def test_an_address_that_is_or_was_anothers_is_refused(pair):
    with pytest.raises(merging.AddressTaken) as refusal:
        merging.correct_address(student_id=pair.other.pk, email=KEPT.upper())
    assert refusal.value.student_id == pair.kept.pk
    merging.correct_address(student_id=pair.kept.pk, email="new@example.com")
    with pytest.raises(merging.AddressTaken):
        merging.correct_address(student_id=pair.other.pk, email=KEPT)
    assert Student.objects.get(pk=pair.other.pk).email == OTHER


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_batch_that_waits_for_a_merge_makes_no_new_student(pair, event_pipeline, course):
    """It has read the old row before the merge commits, and finds it gone afterwards."""
    event_pipeline.append(event(emailAddress=OTHER), class_id=course.python.pk)
    failed = []

    def drain():
        try:
            event_pipeline.drain()
        except Exception as error:  # told below, in the thread of the test
            failed.append(error)
        finally:
            connections.close_all()

    batch = threading.Thread(target=drain)
    with transaction.atomic():
        merging.merge_students(kept_id=pair.kept.pk, other_id=pair.other.pk)
        batch.start()
        for _ in range(100):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    break
            time.sleep(0.05)
        else:
            pytest.fail("the batch does not wait")
    batch.join(timeout=20)
    assert not failed
    assert Student.objects.get() == pair.kept
    assert CellExecution.objects.filter(student=pair.kept).count() == 3
