"""A course for the contract's tests of the analytics."""

from datetime import UTC, datetime, timedelta

import pytest

from events.models import CellExecution, CellProgress
from lms.models import (
    Cell,
    Class,
    ClassAssignment,
    Notebook,
    Session,
    Student,
    StudentClass,
    Team,
)
from tests.classroom.api import _open_doors, anyone, as_admin, as_hanako, gone, heard  # noqa: F401

A = "/api/v1/analytics"
MINUTE = timedelta(minutes=1)


class Course:
    """Aoi and Ren of team Sora learn Python with Hanako; Ken learns elsewhere."""

    def __init__(self, teacher) -> None:
        self.now = datetime.now(UTC)
        self.class_ref = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
        self.notebook = Notebook.objects.create(path="course/one.ipynb", name="one.ipynb")
        self.cells = [
            Cell.objects.create(notebook=self.notebook, cell_id=f"c{number}", position=number) for number in range(10)
        ]
        self.work = ClassAssignment.objects.create(
            class_ref=self.class_ref, notebook=self.notebook, title="One", due_date=self.now + timedelta(days=3)
        )
        self.team = Team.objects.create(team_name="Sora")
        self.aoi, self.ren = self.student("aoi", self.team), self.student("ren", self.team)
        self.ken = Student.objects.create(email="ken@example.com", name="Ken")

    def student(self, name: str, team: Team | None = None) -> Student:
        student = Student.objects.create(email=f"{name}@example.com", name=name.title(), team=team)
        StudentClass.objects.create(student=student, class_ref=self.class_ref)
        return student

    def run(self, student: Student, ago: timedelta, *, cell: int = 0, status: str = "success", **fields) -> None:
        session, _ = Session.objects.get_or_create(student=student, session_id="s")
        places = {"student": student, "cell": self.cells[cell], "notebook": self.notebook}
        CellExecution.objects.create(**places, session=session, status=status, executed_at=self.now - ago, **fields)
        progress, _ = CellProgress.objects.get_or_create(
            **places, defaults={"last_status": status, "last_run_at": self.now - ago}
        )
        progress.run_count += 1
        progress.error_count += status == "error"
        progress.last_status, progress.last_run_at = status, self.now - ago
        progress.save()


@pytest.fixture
def course(hanako) -> Course:
    return Course(hanako)
