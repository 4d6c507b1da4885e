"""The cast: Hanako teaches the Python class with Aoi and Ren in it; Taro teaches another; Kaoru is the admin."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from classroom.attention import lesson_cache
from events.models import CellExecution, CellProgress
from instructors.models import Instructor
from lms.models import Cell, Class, ClassStaff, Notebook, Session, Student, StudentClass

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def _fast_hashes_and_closed_doors(settings):
    """bcrypt is slow on purpose; and who may see what is tested as in production."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.API_REQUIRE_AUTH = True
    settings.WHITENOISE_AUTOREFRESH = False
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    lesson_cache.clear()


@pytest.fixture
def hanako(db) -> Instructor:
    return Instructor.objects.create_user("hanako@example.com", PASSWORD, name="Hanako")


@pytest.fixture
def taro(db) -> Instructor:
    return Instructor.objects.create_user("taro@example.com", PASSWORD, name="Taro")


@pytest.fixture
def kaoru(db) -> Instructor:
    return Instructor.objects.create_user("kaoru@example.com", PASSWORD, name="Kaoru", role="admin")


@pytest.fixture
def python_class(hanako) -> Class:
    return Class.objects.create(class_code="PY", name="Python 入門", instructor=hanako)


@pytest.fixture
def assistant(taro, python_class) -> Instructor:
    """Taro, who helps in the Python class and neither grades nor sets it up."""
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    return taro


@pytest.fixture
def enrol(python_class) -> Callable[..., Student]:
    def add(email: str, **state: object) -> Student:
        student = Student.objects.create(email=email, **state)
        StudentClass.objects.create(student=student, class_ref=python_class)
        return student

    return add


@pytest.fixture
def aoi(enrol) -> Student:
    now = datetime.now(UTC)
    return enrol("aoi@example.com", name="Aoi", is_requesting_help=True, help_requested_at=now, last_activity_at=now)


@pytest.fixture
def ren(enrol) -> Student:
    return enrol("ren@example.com", name="Ren", last_activity_at=datetime.now(UTC), execution_count=7, error_count=2)


@pytest.fixture
def stranger(db) -> Student:
    return Student.objects.create(email="stranger@example.com", name="Stranger")


@pytest.fixture
def notebook(db) -> Notebook:
    return Notebook.objects.create(path="course/week1.ipynb", name="week1.ipynb")


@pytest.fixture
def flag(notebook) -> Callable[[Student, int], CellProgress]:
    """Marks a student as stuck: so many errors in a row on one cell."""

    def mark(student: Student, count: int) -> CellProgress:
        now = datetime.now(UTC)
        cell, _ = Cell.objects.get_or_create(notebook=notebook, cell_id="stuck")
        return CellProgress.objects.create(
            student=student, cell=cell, notebook=notebook, last_status="error", last_run_at=now, last_error_at=now,
            consecutive_error_count=count, is_significant_error=True,
        )  # fmt: skip

    return mark


@pytest.fixture
def run(notebook) -> Callable[..., CellExecution]:
    def execute(student: Student, **fields: object) -> CellExecution:
        cell, _ = Cell.objects.get_or_create(notebook=notebook, cell_id="c1")
        session, _ = Session.objects.get_or_create(student=student, session_id="s1")
        places = {"student": student, "notebook": notebook, "cell": cell, "session": session}
        return CellExecution.objects.create(**{**places, "status": "success", **fields})

    return execute


@pytest.fixture
def signed_in() -> Callable[[Instructor], Client]:
    def sign_in(account: Instructor) -> Client:
        client = Client()
        client.force_login(account)
        return client

    return sign_in
