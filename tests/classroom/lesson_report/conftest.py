"""A lesson that is over, with runs in it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from classroom.base.classrooms import classroom_of_class
from classroom.lesson_report.lessons import Lesson
from classroom.lesson_report.selectors import LessonReport, lesson_report
from events.models import CellExecution
from lms.models import Cell, StudentClass

MINUTE = timedelta(minutes=1)
# Ten o'clock in Tokyo, yesterday: the lesson is over.
START = timezone.localtime(datetime.now(UTC)).replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=1)


@pytest.fixture
def classroom(hanako, python_class, aoi, ren):
    StudentClass.objects.update(joined_at=START - timedelta(days=7))
    return classroom_of_class(user=hanako, class_id=python_class.pk)


@pytest.fixture
def at(run, notebook):
    """`at(student, 3, cell=2, status="error")`: a run three minutes into the lesson."""

    def execute(student, minute: float, *, cell: int = 0, **fields) -> CellExecution:
        row, _ = Cell.objects.get_or_create(notebook=notebook, cell_id=f"c{cell}", defaults={"position": cell})
        return run(student, cell=row, executed_at=START + minute * MINUTE, **fields)

    return execute


@pytest.fixture
def report(classroom):
    def make(**fields) -> LessonReport:
        lesson = Lesson(since=START, until=START + 90 * MINUTE)
        return lesson_report(classroom, lesson, now=datetime.now(UTC), **fields)

    return make


@pytest.fixture
def page(signed_in, hanako, python_class, classroom):
    client = signed_in(hanako)

    def fetch(rest: str = "", status: int = 200, **options) -> str:
        answer = client.get(f"/classes/{python_class.pk}/report/{rest}", **options)
        assert answer.status_code == status
        return answer.content.decode("utf-8-sig")

    return fetch


@pytest.fixture
def taught(at, aoi, ren):
    for student in (aoi, ren):
        at(student, 0)
        for minute in range(1, 5):
            at(student, minute, cell=1, status="error", error_message=f"KeyError: '{student.name}'")
        at(student, 40, cell=2)
