"""A lesson for the contract's tests of the dashboards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import CellExecution, CellProgress, HelpRequest
from lms.models import Cell, Class, Notebook, Session, Student, StudentClass, Team
from tests.classroom.api import _open_doors, anyone, as_admin, as_hanako, gone, heard  # noqa: F401


class Lesson:
    """Aoi asks for help, Ren is stuck on a cell, Mio works, Sora has never been heard of since."""

    def __init__(self, teacher) -> None:
        self.now = timezone.now()
        self.notebook = Notebook.objects.create(path="course/week1.ipynb", name="week1.ipynb")
        self.cell = Cell.objects.create(notebook=self.notebook, cell_id="c1")
        self.class_ref = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
        team = Team.objects.create(team_name="チームA")
        self.aoi = self.student("aoi", name="Aoi", team=team, current_notebook=self.notebook, last_activity_at=self.now)
        self.ren = self.student("ren", last_activity_at=self.now, execution_count=5, last_run_failed=True)
        self.mio = self.student("mio", last_activity_at=self.now, execution_count=2)
        self.sora = Student.objects.create(email="sora@example.com")

    def student(self, given: str, **state) -> Student:
        state.setdefault("email", f"{given}@example.com")
        made = Student.objects.create(**state)
        StudentClass.objects.create(student=made, class_ref=self.class_ref)
        return made

    def asks(self, student: Student, minutes_ago: float = 1) -> HelpRequest:
        asked_at = self.now - timedelta(minutes=minutes_ago)
        student.is_requesting_help, student.help_requested_at = True, asked_at
        student.save()
        return HelpRequest.objects.create(
            student=student, session_id="s1", notebook_path="a.ipynb", asked_at=asked_at, last_asked_at=asked_at,
            last_heard_at=self.now,
        )  # fmt: skip

    def runs(self, student: Student, status="success", minutes_ago: float = 1, **fields) -> CellExecution:
        session, _ = Session.objects.get_or_create(student=student, session_id="s1")
        return CellExecution.objects.create(
            student=student, notebook=self.notebook, cell=self.cell, session=session, status=status,
            executed_at=self.now - timedelta(minutes=minutes_ago), **fields,
        )  # fmt: skip

    def is_stuck(self, student: Student, count: int = 3) -> CellProgress:
        for index in range(count):
            self.runs(student, "error", consecutive_error_count=index + 1, is_significant_error=index >= 2)
        return CellProgress.objects.create(
            student=student, cell=self.cell, notebook=self.notebook, run_count=count, error_count=count,
            last_status="error", last_run_at=self.now, last_error_at=self.now, consecutive_error_count=count,
            is_significant_error=True,
        )  # fmt: skip


@pytest.fixture
def lesson(hanako) -> Lesson:
    made = Lesson(hanako)
    made.asks(made.aoi)
    made.is_stuck(made.ren)
    made.runs(made.mio, duration=0.5)
    made.runs(made.mio, duration=1.5)
    made.runs(made.mio, "aborted")
    return made
