"""Students and their own pages: `open_as(student)` is a browser with a session, by a code."""

from collections.abc import Callable

import pytest
from django.test import Client

from classroom.privacy.access import Subject, make_code
from lms.models import Student


@pytest.fixture(autouse=True)
def _no_limits(settings):
    settings.RATE_LIMITS = False


@pytest.fixture
def open_as(redis, python_class) -> Callable[..., Client]:
    def enter(student: Student, **fields) -> Client:
        client = Client()
        code = make_code(Subject(student_id=student.pk, class_id=python_class.pk, **fields))
        answer = client.post("/me/open/", {"code": code})
        assert answer.status_code == 302
        return client

    return enter
