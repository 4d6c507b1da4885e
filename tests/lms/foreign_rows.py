"""Rows of three classes, by name: Sato teaches Python and only assists in Go; Rust is Suzuki's."""

from datetime import UTC, datetime
from typing import Any

from classroom.privacy.models import ErasureRequest
from classroom.setup.models import ClassInvitation
from classroom.students.models import StudentNote
from lms import rooms
from lms.grading import version_token
from lms.models import (
    AssignmentSubmission,
    Cell,
    Class,
    ClassAssignment,
    ClassKey,
    ClassroomMap,
    ClassStaff,
    EnvironmentSnapshot,
    Notebook,
    RubricItem,
    SavedComment,
    Student,
    StudentClass,
)
from lms.seat_grid import PlacedSeat
from lms.versions.commits import commit
from lms.versions.snapshots import Author, Owner, store_snapshot
from tests.lms.conftest import filled
from tests.lms.tokens.conftest import device_of

SECRETS = ("Ken", "ken@example.com", "Traits", "Rust", "secret")


def rows_of_three_classes(cast) -> dict[str, Any]:
    """Make them. `own_…` are of Python, `foreign_…` of Rust, `go` and `mika` of the class in which Sato assists."""
    go = Class.objects.create(class_code="GO", name="Go", instructor=cast.suzuki)
    ClassStaff.objects.create(class_ref=go, instructor=cast.sato, role="assistant")
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.admin, role="instructor")
    mika = Student.objects.create(email="mika@example.com", name="Mika")
    StudentClass.objects.create(student=mika, class_ref=go)
    jiro = Student.objects.create(email="jiro@example.com", name="Jiro")
    StudentClass.objects.create(student=jiro, class_ref=cast.python)
    second = Class.objects.create(class_code="PY-102", name="Python 2", instructor=cast.sato)
    channels = ClassAssignment.objects.create(class_ref=go, notebook=cast.notebook, title="Channels")
    found = {**cast.ids(), "go": go.pk, "mika": mika.pk, "jiro": jiro.pk, "second": second.pk, "channels": channels.pk}
    found |= {"sato": cast.sato.pk, "suzuki": cast.suzuki.pk, "admin": cast.admin.pk}
    for whose, class_ref, student, assignment in (
        ("own", cast.python, cast.hanako, cast.loops),
        ("foreign", cast.rust, cast.ken, cast.traits),
    ):
        made = of_class(class_ref, student, assignment, whose)
        found |= {f"{whose}_{name}": value for name, value in made.items()}
    return found


def of_class(class_ref, student, assignment, whose: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    notebook = Notebook.objects.create(path=f"secret/{whose}.ipynb", name=f"{whose}.ipynb")
    author, owner = Author(), Owner(class_id=class_ref.pk)
    content = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": f"secret of {whose}"}]}
    sha256 = ("a" if whose == "own" else "b") * 64
    snapshot = store_snapshot(notebook.path, content, sha256=sha256, owner=owner, author=author)
    version = commit(snapshot, branch_name="main", message="secret", author=author, now=now)
    room = rooms.make_room(class_ref.pk, name="Lab", seats=[PlacedSeat("A1", 10, 10)], now=now)
    work = AssignmentSubmission.objects.create(assignment=assignment, student=student, feedback="secret")
    cell = Cell.objects.create(notebook=notebook, cell_id=f"cell-{whose}", position=0)
    return {
        "notebook": notebook.pk,
        "snapshot": snapshot.snapshot_id,
        "version": version.version_id,
        "room": room.pk,
        "seat": room.seats.get().pk,
        "work": work.pk,
        "seen": version_token(work),
        "cell": cell.pk,
        "environment": str(
            EnvironmentSnapshot.objects.create(source="client", student=student, class_ref=class_ref).snapshot_id
        ),
        "map": ClassroomMap.objects.create(class_ref=class_ref, is_active=True).pk,
        "comment": SavedComment.objects.create(assignment=assignment, text="secret").pk,
        "item": RubricItem.objects.create(assignment=assignment, position=0, text="secret", points=1).pk,
        "key": ClassKey.objects.create(class_ref=class_ref, key_hash=whose).pk,
        "note": StudentNote.objects.create(student=student, class_ref=class_ref, text="secret").pk,
        "request": ErasureRequest.objects.create(student=student, class_ref=class_ref).pk,
        "invitation": ClassInvitation.objects.create(
            class_ref=class_ref, email="new@example.com", role="assistant", token_hash=whose, expires_at=now
        ).pk,
        "device": device_of(class_ref, student.email)[0].pk,
    }


def deeply_filled(value: Any, ids) -> Any:
    if isinstance(value, list):
        return [deeply_filled(each, ids) for each in value]
    if isinstance(value, dict):
        return {name: deeply_filled(each, ids) for name, each in value.items()}
    return filled(value, ids)
