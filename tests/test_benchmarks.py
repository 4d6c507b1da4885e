"""The statements of benchmarks fit the tables; that they run at all, `make bench` shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from django.contrib.auth import authenticate
from django.db import connection

import config.settings
from benchmarks.pages import EMAIL, PASSWORD, class_of_students
from lms.models import ClassStudent, Student


@contextmanager
def connect() -> Iterator[object]:
    connection.ensure_connection()
    yield connection.connection


def test_the_class_whose_pages_are_timed(db, rf, settings):
    settings.PASSWORD_HASHERS = config.settings.PASSWORD_HASHERS  # the account is written with its hash
    student = Student.objects.create(email="hanako@example.com")
    class_id, stored = class_of_students(SimpleNamespace(connect=connect))
    assert stored == 0
    assert authenticate(rf.post("/login/"), username=EMAIL.upper(), password=PASSWORD)
    assert set(ClassStudent.objects.filter(class_id=class_id).values_list("pk", flat=True)) == {student.pk}
