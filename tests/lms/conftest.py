"""A small cast, and one way to call the API: `api(method, path, body)` under a name of the cast."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from instructors import tokens
from instructors.models import Instructor
from lms.models import Class, ClassAssignment, ClassKey, Notebook, Student, StudentClass

PREFIX = "/api/v1"
MISSING = 999_999
MISSING_UUID = "3f0c7c2e-6a1f-4f0e-9a35-2f1f2b7f9a10"


@dataclass(frozen=True)
class Cast:
    """Sato teaches Python, in which Hanako learns; Suzuki teaches Rust, in which Ken does."""

    sato: Instructor
    suzuki: Instructor
    admin: Instructor
    gone: Instructor
    python: Class
    rust: Class
    hanako: Student
    ken: Student
    notebook: Notebook
    loops: ClassAssignment
    traits: ClassAssignment

    def ids(self) -> dict[str, int]:
        """For paths and bodies of tables: `{python}`, `{loops}`, `{missing}`."""
        names = ("python", "rust", "hanako", "ken", "notebook", "loops", "traits")
        return {**{name: getattr(self, name).pk for name in names}, "missing": MISSING}


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


def make_cast() -> Cast:
    def person(name: str, **fields: Any) -> Instructor:
        # An unusable password: no test here logs in with one.
        return Instructor.objects.create(email=f"{name}@school.example", name=name, password="!", **fields)

    sato, suzuki = person("sato"), person("suzuki")
    python = Class.objects.create(class_code="PY-101", name="Python", instructor=sato)
    rust = Class.objects.create(class_code="RS-101", name="Rust", instructor=suzuki)
    hanako = Student.objects.create(email="hanako@example.com", name="Hanako")
    ken = Student.objects.create(email="ken@example.com", name="Ken")
    StudentClass.objects.create(student=hanako, class_ref=python)
    StudentClass.objects.create(student=ken, class_ref=rust)
    notebook = Notebook.objects.create(path="lesson/loops.ipynb", name="loops.ipynb")
    due = datetime(2030, 1, 1, tzinfo=UTC)
    return Cast(
        sato=sato,
        suzuki=suzuki,
        admin=person("admin", role="admin"),
        gone=person("gone", is_active=False),
        python=python,
        rust=rust,
        hanako=hanako,
        ken=ken,
        notebook=notebook,
        loops=ClassAssignment.objects.create(class_ref=python, notebook=notebook, title="Loops", due_date=due),
        traits=ClassAssignment.objects.create(class_ref=rust, notebook=notebook, title="Traits"),
    )


Call = Callable[..., Any]


@pytest.fixture
def api(cast) -> Call:
    """`api("GET", "/classes", user=cast.sato)`; a body that is bytes goes out as it is."""

    def call(
        method: str, path: str, body: Any = None, *, user: Instructor | None = None, key: str = "", **headers: str
    ) -> Any:
        if user is not None:
            headers["Authorization"] = f"Bearer {tokens.issue(user, now=datetime.now(UTC))}"
        if key:
            headers["X-Class-Key"] = key
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return Client().generic(method, PREFIX + path, content, content_type="application/json", headers=headers)

    return call


@pytest.fixture
def locked(settings) -> None:
    """As in production: who calls must say who they are."""
    settings.API_REQUIRE_AUTH = True


def key_of(class_ref: Class, text: str, **fields: Any) -> str:
    ClassKey.objects.create(class_ref=class_ref, key_hash=hashlib.sha256(text.encode()).hexdigest(), **fields)
    return text


def filled(template: Any, ids: dict[str, int]) -> Any:
    """A table's path or body with the ids of the cast: a text that is only `{name}` becomes the number."""
    if isinstance(template, str) and template.startswith("{") and template.endswith("}"):
        return ids[template[1:-1]]
    if isinstance(template, str) and "{" in template:
        return template.format(**ids)
    if isinstance(template, dict):
        return {key: filled(value, ids) for key, value in template.items()}
    return template


def rows_of(section: str) -> Callable[..., Any]:
    """Makes the rows of a table; each test's id names the section of the contract and the row."""
    return lambda name, *values: pytest.param(*values, id=f"{section} {name}")


def problem(place: list[str | int], kind: str) -> dict[str, Any]:
    return {"loc": place, "type": kind}


def the_problem(response: Any) -> dict[str, Any]:
    """The one problem of a 422, without its message, which must be there."""
    assert response.status_code == 422, response.content
    [found] = response.json()["detail"]
    assert found.pop("msg")
    return found
