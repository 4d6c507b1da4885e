"""Two classes: Sato's Python with Hanako and Aoi, Suzuki's Rust with Ken; Mei is in both."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from channels.db import database_sync_to_async
from django.db import transaction

from classroom.attention import help_services
from events.intake import app as intake_app
from events.processing import notifications, pipeline, store
from instructors.models import Instructor
from lms import notices
from lms.access import Scope
from lms.models import AssignmentSubmission, Class, ClassAssignment, ClassKey, Notebook, Student, StudentClass
from tests.events.conftest import failing

W2 = "/api/v1/v1/websocket/ws/{}"
W5 = "/api/v1/v1/progress/ws/student/{}"


@dataclass(frozen=True)
class School:
    sato: Instructor
    suzuki: Instructor
    admin: Instructor
    python: Class
    rust: Class
    hanako: Student
    aoi: Student
    ken: Student
    mei: Student
    python_key: str = "python-key"
    rust_key: str = "rust-key"


def make_school(sato, suzuki, admin) -> School:
    python = Class.objects.create(class_code="PY", name="Python", instructor=sato)
    rust = Class.objects.create(class_code="RS", name="Rust", instructor=suzuki)
    made = {}
    for name, classes in (("hanako", [python]), ("aoi", [python]), ("ken", [rust]), ("mei", [python, rust])):
        made[name] = Student.objects.create(email=f"{name}@example.com", name=name.title())
        StudentClass.objects.bulk_create(
            [StudentClass(student=made[name], class_ref=each, name=name.title()) for each in classes]
        )
    for class_ref, key in ((python, "python-key"), (rust, "rust-key")):
        ClassKey.objects.create(class_ref=class_ref, key_hash=hashlib.sha256(key.encode()).hexdigest())
    return School(sato=sato, suzuki=suzuki, admin=admin, python=python, rust=rust, **made)


@database_sync_to_async
def happens(student: Student, class_ref: Class | None, teacher: Instructor) -> None:
    """Everything that is told about a student: a run that fails, a dismissal, a grade, a hint, a letter."""
    record = failing(emailAddress=student.email, eventTime=datetime.now(UTC).isoformat())
    events = intake_app.admit_body(json.dumps([record]).encode(), class_id=class_ref.pk if class_ref else None).events
    with transaction.atomic():
        changes = store.save(events, rule=pipeline.current_rule(), now=datetime.now(UTC))
    notifications.announce_changes([changes])
    scope = Scope((class_ref.pk,)) if class_ref else Scope(None)
    help_services.dismiss_help(student, scope=scope, by=teacher, request=None, now=datetime.now(UTC))
    if class_ref is not None:
        notebook, _ = Notebook.objects.get_or_create(path="a.ipynb", defaults={"name": "a.ipynb"})
        work = ClassAssignment.objects.create(class_ref=class_ref, notebook=notebook, title=f"Work of {class_ref.name}")
        graded = AssignmentSubmission.objects.create(
            assignment=work, student=student, status="graded", grade=7, feedback="secret"
        )
        notices.announce_grade(graded)


async def heard(peer, seconds: float = 0.4) -> list[dict]:
    """All that arrives."""
    frames = []
    while not await peer.hears_nothing(seconds):
        frames.append(await peer.hear())
    return frames


def kinds(frames: list[dict]) -> set[str]:
    return {frame["type"] for frame in frames}


ids = ["number", "e-mail", "E-MAIL"]


def called(student: Student, form: str) -> str:
    return {"number": str(student.pk), "e-mail": student.email, "E-MAIL": student.email.upper()}[form]
