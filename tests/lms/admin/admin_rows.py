"""A row of every table of ours, as often as asked: for the pages of the administration."""

import uuid
from datetime import UTC, datetime, timedelta

from classroom.analytics.models import AnalyticsReport
from classroom.attention.models import AttentionCase
from classroom.errors.models import Hint, HintRecipient
from classroom.privacy.models import ErasureRequest
from classroom.questions.models import StuckQuestion
from classroom.setup.models import ClassInvitation
from events.models import (
    CellExecution,
    CellProgress,
    ClientHealth,
    HelpRequest,
    NotebookAccess,
    OfflineQueueEntry,
    StudentEvent,
)
from instructors.models import AuditLog, Instructor, InstructorStatusHistory
from lms import rooms, seating
from lms.class_codes import make_code
from lms.class_keys import create_key
from lms.models import (
    AssignmentSubmission,
    Cell,
    Class,
    ClassAssignment,
    ClassroomMap,
    ClassStaff,
    DueDateExtension,
    EnvironmentSnapshot,
    Notebook,
    ProgressNotification,
    Session,
    Student,
    StudentClass,
    SystemSetting,
    Team,
    TeamPosition,
)
from lms.seat_grid import Grid
from lms.student_tokens import Claim, claim
from lms.versions.commits import commit
from lms.versions.snapshots import Author, Owner, store_snapshot


def one_of_each(number: int) -> None:
    """Everything of one number hangs together, and shares nothing with another's."""
    now = datetime.now(UTC)
    teacher = Instructor.objects.create(email=f"teacher{number}@example.com", name=f"Teacher {number}", password="!")
    team = Team.objects.create(team_name=f"Team {number}")
    student = Student.objects.create(email=f"student{number}@example.com", name=f"Student {number}", team=team)
    room = Class.objects.create(class_code=f"C{number}", name=f"Class {number}", instructor=teacher)
    notebook = Notebook.objects.create(path=f"course/{number}.ipynb", name=f"{number}.ipynb")
    cell = Cell.objects.create(notebook=notebook, cell_id=f"cell-{number}")
    session = Session.objects.create(student=student, session_id=f"s{number}")
    SystemSetting.objects.create(setting_key=f"setting_{number}", setting_value="x", setting_type="str")
    _school(number, student, room, notebook, teacher, now)
    _stored_event_rows(number, student, notebook, cell, session, now)
    _work(number, student, room, notebook, cell, teacher, now)
    _versions(student, room, notebook, now)


def _school(number: int, student: Student, room: Class, notebook: Notebook, teacher: Instructor, now: datetime) -> None:
    StudentClass.objects.create(student=student, class_ref=room)
    ClassStaff.objects.create(class_ref=room, instructor=teacher)
    create_key(room)
    make_code(room, by=teacher, now=now)
    claim(room.pk, Claim(email=student.email), now=now)
    work = ClassAssignment.objects.create(class_ref=room, notebook=notebook, title=f"Work {number}")
    AssignmentSubmission.objects.create(assignment=work, student=student)
    DueDateExtension.objects.create(assignment=work, student=student, due_date=now)
    EnvironmentSnapshot.objects.create(student=student, class_ref=room, source="client", versions={"numpy": "2"})
    ErasureRequest.objects.create(student=student, class_ref=room, text="Please")
    ClassInvitation.objects.create(
        class_ref=room, email=f"new{number}@example.com", role="instructor", token_hash=f"{number:064}",
        invited_by=teacher, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    floor = ClassroomMap.objects.create(class_ref=room, image_filename=f"map{number}.jpg")
    TeamPosition.objects.create(map=floor, team_name="A", position_x=1, position_y=2)
    lab = rooms.make_room(room.pk, name="Lab", seats=Grid(rows=1, columns=2).seats(), now=now)
    seating.fill(lab, [student.pk], keep=True, now=now)


def _stored_event_rows(
    number: int, student: Student, notebook: Notebook, cell: Cell, session: Session, now: datetime
) -> None:
    where = {"student": student, "notebook": notebook, "cell": cell}
    CellExecution.objects.create(**where, session=session, status="error")
    CellProgress.objects.create(**where, last_status="error", last_run_at=now, is_significant_error=True)
    ClientHealth.objects.create(student=student, version="lab/0.1", reported_at=now)
    NotebookAccess.objects.create(student=student, notebook=notebook, action="open")
    StudentEvent.objects.create(event_id=f"e{number}", event_type="help", student=student, occurred_at=now)
    HelpRequest.objects.create(student=student, asked_at=now, last_asked_at=now, last_heard_at=now)
    OfflineQueueEntry.objects.create(event_data={}, error="unknown time zone", status="failed")


def _work(
    number: int, student: Student, room: Class, notebook: Notebook, cell: Cell, teacher: Instructor, now: datetime
) -> None:
    InstructorStatusHistory.objects.create(instructor=teacher, status="available")
    AuditLog.objects.create(action="login", actor_type="instructor", actor_id=teacher.pk)
    ProgressNotification.objects.create(
        notification_id=uuid.uuid4(), recipient_id=student.email, title=f"Title {number}", message="m"
    )
    hint = Hint.objects.create(
        nonce=uuid.uuid4(), notebook=notebook, cell=cell, class_ref=room, sent_by=teacher, fingerprint="0" * 16,
        text="look",
    )  # fmt: skip
    HintRecipient.objects.create(hint=hint, student=student)
    AttentionCase.objects.create(student=student, class_ref=room, code="silent", opened_at=now)
    StuckQuestion.objects.create(student=student, class_ref=room, asked_at=now, probability=0.5)
    AnalyticsReport.objects.create(report_type="class", parameters={"title": room.name}, requested_by=teacher)


def _versions(student: Student, room: Class, notebook: Notebook, now: datetime) -> None:
    owner = Owner(class_id=room.pk, student_id=student.pk)
    kept = store_snapshot(notebook.path, {"cells": []}, sha256="a" * 64, owner=owner, author=Author())
    commit(kept, branch_name="main", message="first", author=Author(), now=now)
