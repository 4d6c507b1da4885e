"""Programs that call the API, each with its instructor's token."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from django.test import Client

from instructors import tokens
from instructors.models import Instructor
from tests.classroom.conftest import PASSWORD


class Api:
    """A client of the API; answers carry their JSON as `data`."""

    def __init__(self, token: str | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __call__(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str):
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        answer = self.client.generic(
            method, path, data, content_type="application/json", headers={**self.headers, **headers}
        )
        answer.data = json.loads(answer.content) if answer.content else None
        return answer


@pytest.fixture(autouse=True)
def _open_doors(settings, redis):
    """Open endpoints are open, and nobody is counted, unless a test says otherwise."""
    settings.API_REQUIRE_AUTH = False
    settings.RATE_LIMITS = False


@pytest.fixture
def anyone(db) -> Api:
    return Api()


def api_of(account: Instructor) -> Api:
    return Api(tokens.issue(account, now=datetime.now(UTC)))


@pytest.fixture
def gone(db) -> Instructor:
    account = Instructor.objects.create_user("gone@example.com", PASSWORD, name="Gone")
    account.is_active = False
    account.save()
    return account


@pytest.fixture
def as_hanako(hanako) -> Api:
    return api_of(hanako)


@pytest.fixture
def as_admin(kaoru) -> Api:
    return api_of(kaoru)


@pytest.fixture
def heard(monkeypatch) -> list[tuple[str, dict[str, Any]]]:
    """What was sent to whom: (group, frame), in order."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def publish(rows, notices, *, outside) -> None:
        sent.extend((group, msgspec.to_builtins(frame)) for group, frame in notices)
        sent.extend((group, {"type": "rows", "rows": changed}) for group, changed in rows.items() if changed)

    monkeypatch.setattr("realtime.broadcast.publish", publish)
    return sent


def types_heard(heard: list[tuple[str, dict[str, Any]]]) -> set[tuple[str, str]]:
    return {(group, frame["type"]) for group, frame in heard}


Row = tuple[str, Callable[..., Any]]
