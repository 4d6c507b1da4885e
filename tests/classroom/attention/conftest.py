"""A class in which somebody is stuck and somebody asks, and who may see to them."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from classroom.attention import lesson_cache
from events.models import CellProgress, HelpRequest
from lms.models import Cell, ClassStaff, Student

NAME = "NameError: name 'x' is not defined"


@pytest.fixture
def stuck(enrol, run, notebook):
    """Somebody who ran the same wrong code twenty times at cell 7."""

    def make(email: str = "mei@example.com", name: str = "Mei") -> Student:
        now = timezone.now()
        student = enrol(email, name=name, last_activity_at=now, last_run_at=now, last_run_failed=True)
        Student.objects.filter(pk=student.pk).update(current_notebook=notebook)
        cell, _ = Cell.objects.get_or_create(notebook=notebook, cell_id="c7", defaults={"position": 6})
        for number in range(20):
            at = now - timedelta(seconds=20 * number)
            run(student, cell=cell, status="error", error_message=NAME, code_content="print(x)", executed_at=at)
        CellProgress.objects.create(
            student=student, cell=cell, notebook=notebook, run_count=20, error_count=20, last_status="error",
            last_run_at=now, last_error_at=now, consecutive_error_count=20, is_significant_error=True,
        )  # fmt: skip
        return student

    return make


@pytest.fixture
def mei(stuck) -> Student:
    return stuck()


@pytest.fixture
def help_request(aoi) -> HelpRequest:
    at = timezone.now() - timedelta(minutes=3, seconds=5)
    Student.objects.filter(pk=aoi.pk).update(help_requested_at=at)
    return HelpRequest.objects.create(
        student=aoi,
        session_id="s1",
        notebook_path="course/week1.ipynb",
        asked_at=at,
        last_asked_at=at,
        last_heard_at=at,
    )


@pytest.fixture
def attention_page(signed_in, python_class):
    """What an account sees and does on the page of the class."""

    class Desk:
        def __init__(self, account) -> None:
            self.client = signed_in(account)
            self.path = f"/classes/{python_class.pk}/attention/"

        def look(self, **headers) -> str:
            lesson_cache.clear()
            return self.client.get(self.path, headers=headers).content.decode()

        def act(self, student, act, *, fragment: bool = True, **data):
            lesson_cache.clear()
            headers = {"X-Requested-With": "fragment"} if fragment else {}
            return self.client.post(f"{self.path}{student.pk}/", {"act": act, **data}, headers=headers)

    return Desk


@pytest.fixture
def colleague(taro, python_class):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="instructor")
    return taro


def entries(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'data-alert-case="(\d+)"', html)]
