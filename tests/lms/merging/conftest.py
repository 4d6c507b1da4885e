"""Two rows that are one person: Hanako, who typed her address wrong on the second day."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from instructors.models import Instructor
from lms.models import Class, ClassAssignment, Notebook, Student
from tests.events.conftest import clock, event_pipeline  # noqa: F401
from tests.events.conftest import event as an_event

KEPT, OTHER = "hanako@example.com", "hanaok@example.com"


@pytest.fixture
def course(db) -> SimpleNamespace:
    teacher = Instructor.objects.create_user("taro@example.com", "correct horse", name="Taro")
    python = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
    loops = ClassAssignment.objects.create(
        class_ref=python, notebook=Notebook.objects.create(path="w1/loops.ipynb", name="loops.ipynb"), title="Loops"
    )
    return SimpleNamespace(teacher=teacher, python=python, loops=loops)


@pytest.fixture
def pair(event_pipeline, course) -> SimpleNamespace:  # noqa: F811
    """Both rows, with a run each."""
    for address in (KEPT, OTHER):
        event_pipeline.post(an_event(emailAddress=address), class_id=course.python.pk)
    rows = {row.email: row for row in Student.objects.all()}
    return SimpleNamespace(kept=rows[KEPT], other=rows[OTHER], now=datetime.now(UTC))
