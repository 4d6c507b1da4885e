"""Devices of students: `claim(...)` asks for a token, `ask(method, path, token=…)` calls the API with one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from lms import class_codes, student_tokens
from lms.models import Class, StudentToken
from tests.lms.conftest import PREFIX, key_of

Ask = Callable[..., Any]


@pytest.fixture
def python_key(cast) -> str:
    return key_of(cast.python, "key of Python")


@pytest.fixture
def ask(cast) -> Ask:
    """`ask("GET", "/me", token=token)`; without a token, whoever calls."""

    def call(method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Any:
        if token:
            headers["Authorization"] = f"Student {token}"
        content = b"" if body is None else json.dumps(body).encode()
        return Client().generic(method, PREFIX + path, content, content_type="application/json", headers=headers)

    return call


@pytest.fixture
def claim(ask) -> Ask:
    """Ask for a token of Hanako, with the class key or code that the test gives."""

    def call(*, key: str = "", code: str = "", email: str = "hanako@example.com", **fields: Any) -> Any:
        body = {"userId": email, **({"class_code": code} if code else {}), **fields}
        return ask("POST", "/me/token", body, **({"X-Class-Key": key} if key else {}))

    return call


def device_of(class_ref: Class, email: str, *, name: str = "laptop") -> tuple[StudentToken, str]:
    """A device of the student: active if it is their first in the class, else waiting."""
    asked = student_tokens.Claim(email=email, device=name, client="cell-monitor-lab/0.1.0")
    return student_tokens.claim(class_ref.pk, asked, now=datetime.now(UTC))


def code_of(class_ref: Class, **fields: Any) -> str:
    made = class_codes.make_code(class_ref, by=None, now=datetime.now(UTC))
    type(made).objects.filter(pk=made.pk).update(**fields)
    return made.code
