"""Hanako Yamada, who has left a trace of every kind; and Ren, of whom nothing may go."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from classroom.students.models import StudentNote
from classroom.system import test_event_store
from events.models import OfflineQueueEntry
from events.timeseries import buffer as timeseries_buffer
from instructors import audit
from instructors.models import Instructor
from lms import rooms, seating
from lms.models import (
    AssignmentSubmission,
    Cell,
    Class,
    ClassAssignment,
    EnvironmentAnalysis,
    EnvironmentSnapshot,
    Notebook,
    ProgressNotification,
    Student,
    StudentClass,
    TeamPosition,
)
from lms.models.maps import ClassroomMap
from lms.models.versions import NotebookHistory, NotebookSnapshot, StoredNotebook
from lms.seat_grid import PlacedSeat
from realtime import groups, presence
from tests.events.conftest import EventPipeline, event, failing

EMAIL, NAME, NICKNAME = "hanako@example.com", "山田 花子", "hana-chan"
OTHER = "ren@example.com"
LONGER = "xhanako@example.com"  # somebody else, whose address holds hers


@dataclass
class Lesson:
    teacher: Instructor
    class_ref: Class
    hanako: Student
    ren: Student
    graded: AssignmentSubmission


def leave_traces(event_pipeline: EventPipeline) -> Lesson:
    now = datetime.now(UTC)
    teacher = Instructor.objects.create_user("taro@example.com", "correct horse", name="Taro")
    class_ref = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
    _post(event_pipeline)
    hanako, ren = Student.objects.get(email=EMAIL), Student.objects.get(email=OTHER)
    for student in (hanako, ren):
        StudentClass.objects.create(student=student, class_ref=class_ref)
    graded = _hand_in(class_ref, hanako, ren)
    _write_about(hanako, ren, class_ref, teacher, now)
    _report_environment(hanako, now)
    _keep_versions(class_ref, hanako, ren)
    _leave_keys(event_pipeline, hanako, now)
    return Lesson(teacher, class_ref, hanako, ren, graded)


def _post(event_pipeline: EventPipeline) -> None:
    mine = [
        event(),
        failing(cellId="cell-2", errorMessage=f"KeyError: '{EMAIL}'"),
        event("notebook_opened"),
        event("unheard_of", extra={"said": f"{NAME} says hello"}),
        event("session_end"),
    ]
    theirs = {"emailAddress": OTHER, "userName": "Ren", "teamName": "Team B"}
    others = [
        event(**theirs, code=f"# with {NAME}\nprint('{EMAIL}')", result=f"{EMAIL}\nx{EMAIL}"),
        event("unheard_of", **theirs, partner=EMAIL.upper()),
        event(emailAddress=LONGER, userName="Xavier"),
    ]
    event_pipeline.post(event("help"))
    event_pipeline.post(*mine, *others)
    event_pipeline.append(event(), event(**theirs))  # on their way
    Cell.objects.filter(cell_id="cell-1").update(content=f"# {EMAIL}\nprint(1)", cell_metadata={"by": [NAME]})
    Notebook.objects.create(
        path=f"home/{EMAIL}/a.ipynb", name="a.ipynb", notebook_metadata={"authors": [{"name": NAME}]}
    )


def _hand_in(class_ref: Class, hanako: Student, ren: Student) -> AssignmentSubmission:
    given = ClassAssignment.objects.create(
        class_ref=class_ref, notebook=Notebook.objects.latest("pk"), title="One", description=f"Ask {NAME}"
    )
    work = {"cells": [{"cell_type": "markdown", "source": NAME}], "metadata": {"authors": [EMAIL]}}
    AssignmentSubmission.objects.create(assignment=given, student=hanako, notebook_content=work)
    AssignmentSubmission.objects.create(
        assignment=given, student=ren, notebook_content=work, grade=7, feedback=f"As good as {NAME}"
    )
    return AssignmentSubmission.objects.create(
        assignment=given, student=hanako, notebook_content=work, content_sha256="0" * 64, grade=9.5, status="graded",
        feedback=f"Well done, {NAME}", submission_comment="mine",
    )  # fmt: skip


def _write_about(hanako: Student, ren: Student, class_ref: Class, teacher: Instructor, now: datetime) -> None:
    StudentNote.objects.create(student=hanako, class_ref=class_ref, author=teacher, text="Quick")
    earlier = [{"text": f"sits with {NICKNAME}", "until": "2026-01-01"}]
    StudentNote.objects.create(student=ren, author=teacher, text=f"Works with {NAME}", earlier_texts=earlier)
    for recipient in (EMAIL.upper(), str(hanako.pk)):
        ProgressNotification.objects.create(
            notification_id=OfflineQueueEntry().queue_id, recipient_id=recipient, title="Well done", message="…"
        )
    OfflineQueueEntry.objects.create(event_data=event(), user_id=EMAIL)
    OfflineQueueEntry.objects.create(
        event_data=event(emailAddress=OTHER, userName="Ren", about=EMAIL), user_id=OTHER, error=f"{NAME}?"
    )
    LogEntry.objects.create(
        user=teacher, content_type=ContentType.objects.get_for_model(Student), object_id=str(hanako.pk),
        object_repr=EMAIL, action_flag=CHANGE,
    )  # fmt: skip
    audit.record(action="help_dismiss", actor=teacher, request=None, target_type="student", target_id=EMAIL)
    audit.record(action="notes", actor=teacher, request=None, details={"of": [EMAIL, OTHER], "name": NAME})
    audit.record(action="student_view", actor=teacher, request=None, target_type="student", target_id=hanako.pk)
    room = ClassroomMap.objects.create(class_ref=class_ref, original_filename=f"{EMAIL}.png")
    TeamPosition.objects.create(map=room, team_name=NAME, position_x=1, position_y=1)
    lab = rooms.make_room(class_ref.pk, name=f"Lab of {NAME}", seats=[PlacedSeat(NAME, 1, 1)], now=now)
    seating.fill(lab, [hanako.pk], keep=True, now=now)
    login = SessionStore()
    login["_messages"] = f"{NAME} was taken out of the class"
    login.create()
    default_storage.save("maps/room.jpg", ContentFile(b"a picture"))


def _report_environment(hanako: Student, now: datetime) -> None:
    snapshot = EnvironmentSnapshot.objects.create(
        student=hanako, source="client", captured_at=now, reported={"u": EMAIL}
    )
    EnvironmentAnalysis.objects.create(snapshot=snapshot, result={"home": f"/home/{EMAIL}"})


def _keep_versions(class_ref: Class, hanako: Student, ren: Student) -> None:
    """A notebook of hers alone, and one that both have."""
    for digest, students, source in (("a" * 64, [hanako], NAME), ("b" * 64, [hanako, ren], "shared")):
        stored = StoredNotebook.objects.create(sha256=digest, content={"cells": [{"source": source}]}, size=1)
        for student in students:
            history, _ = NotebookHistory.objects.get_or_create(
                notebook=Notebook.objects.latest("pk"), class_ref=class_ref, student=student
            )
            NotebookSnapshot.objects.create(
                snapshot_id=digest[:16], history=history, stored=stored, author_id=student.email
            )


def _leave_keys(event_pipeline: EventPipeline, hanako: Student, now: datetime) -> None:
    redis = event_pipeline.redis
    forms = groups.forms_of_student(hanako.pk, EMAIL)
    redis.zadd(presence.PROGRESS, dict.fromkeys([*forms, "other"], now.timestamp() + 60))
    for email in (EMAIL, OTHER):
        said = f'student_progress,userId={email},event=help,emailAddress={email} said="{EMAIL}" 1000000'
        timeseries_buffer.append(redis, [said], now_ms=1)
    cache.set("something", {"of": NAME})
    cache.set("somebody", {"of": "Ren"})
    test_event_store.add("t-1", [{"who": EMAIL, "name": NAME}], now=now)
    redis.set("live:process:1", json.dumps({"detail": [{"client_id": EMAIL}]}))
    redis.expire("live:process:1", timedelta(seconds=90))
