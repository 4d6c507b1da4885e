"""Every address, walked as five kinds of caller, while logins are required: who gets what.

A new address without a row here fails. `test-artifacts/walk.md` holds the table after a run.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from instructors import tokens
from instructors.models import Instructor
from lms.models import AssignmentSubmission
from tests.lms.conftest import cast  # noqa: F401  (a fixture)

CALLERS = ("nobody", "gone", "suzuki", "sato", "admin")
MEANING = "nobody · deactivated · another class's instructor · the class's instructor · admin"
API = "/api/v1"
EVENT = {"eventType": "help", "emailAddress": "hanako@example.com"}
ASSIGNMENT = {"class_id": "{python}", "notebook_id": "{notebook}", "title": "A"}
PERSON = {"email": "new@school.example", "name": "New", "password": "password123"}

# method, path, body, and the status for each caller in the order of CALLERS
WALK = [
    # --- Open: the extension, programs that log in, monitors
    ("GET", "/events/health", None, "200 200 200 200 200"),
    ("POST", "/progress/student-progress", EVENT, "200 200 200 200 200"),
    ("POST", "/cell-monitor", EVENT, "200 200 200 200 200"),
    ("POST", "/auth/login", {"email": "a@b.jp", "password": "x"}, "401 401 401 401 401"),
    ("GET", "/health", None, "200 200 200 200 200"),
    ("GET", "/health/simple", None, "200 200 200 200 200"),
    ("GET", "/health/ready", None, "200 200 200 200 200"),
    ("GET", "/health/live", None, "200 200 200 200 200"),
    ("GET", "/openapi.json", None, "200 200 200 200 200"),
    ("GET", "/docs", None, "200 200 200 200 200"),
    ("GET", "/test/events", None, "200 200 200 200 200"),
    ("POST", "/test/events/t", [EVENT], "200 200 200 200 200"),
    ("GET", "/test/events/t", None, "200 200 200 200 200"),
    # --- A class's key
    ("GET", "/me?email=hanako@example.com", None, "401 401 401 401 401"),
    # --- Accounts
    ("POST", "/auth/logout", None, "403 403 200 200 200"),
    ("GET", "/auth/me", None, "403 403 200 200 200"),
    ("PUT", "/auth/password", {}, "403 403 422 422 422"),
    ("GET", "/instructors", None, "403 403 200 200 200"),
    ("POST", "/instructors", PERSON, "403 403 201 201 201"),
    ("POST", "/instructors", {**PERSON, "role": "admin"}, "403 403 403 403 201"),
    ("GET", "/instructors/{someone}", None, "403 403 200 200 200"),
    ("PUT", "/instructors/{someone}", {"name": "X"}, "403 403 200 200 200"),
    ("PUT", "/instructors/{someone}", {"role": "admin"}, "403 403 403 403 200"),
    ("DELETE", "/instructors/{someone}", None, "403 403 200 200 200"),
    ("GET", "/instructor_status/{someone}", None, "403 403 200 200 200"),
    ("PUT", "/instructor_status/{someone}", {"status": "break"}, "403 403 200 200 200"),
    ("GET", "/instructor_status/{someone}/history", None, "403 403 200 200 200"),
    ("POST", "/instructor_status/bulk", {"updates": []}, "403 403 400 400 400"),
    ("GET", "/instructor/ws/instructor/status", None, "403 403 200 200 200"),
    # --- Classes and what is in them
    ("GET", "/classes", None, "403 403 200 200 200"),
    ("POST", "/classes", {"name": "New", "class_code": "NEW"}, "403 403 201 201 201"),
    ("GET", "/classes/{python}", None, "403 403 404 200 200"),
    ("PUT", "/classes/{python}", {"name": "X"}, "403 403 404 200 200"),
    ("DELETE", "/classes/{python}", None, "403 403 404 409 409"),
    ("GET", "/assignments", None, "403 403 200 200 200"),
    (
        "POST",
        "/assignments",
        {"class_id": "{python}", "notebook_id": "{notebook}", "title": "A"},
        "403 403 404 201 201",
    ),
    ("GET", "/assignments/{loops}", None, "403 403 404 200 200"),
    ("PUT", "/assignments/{loops}", {"points": 5}, "403 403 404 200 200"),
    ("DELETE", "/assignments/{loops}", None, "403 403 404 409 409"),
    ("GET", "/submissions", None, "403 403 200 200 200"),
    ("POST", "/submissions", {"assignment_id": "{loops}", "student_id": "{hanako}"}, "403 403 404 201 201"),
    ("GET", "/submissions/{work}", None, "403 403 404 200 200"),
    ("PUT", "/submissions/{work}", {"grade": 5}, "403 403 404 200 200"),
    ("DELETE", "/submissions/{work}", None, "403 403 404 200 200"),
    ("GET", "/students", None, "403 403 200 200 200"),
    ("GET", "/students/{hanako}", None, "403 403 404 200 200"),
    ("GET", "/notebooks", None, "403 403 200 200 200"),
    ("POST", "/notebooks", {"path": "new.ipynb"}, "403 403 201 201 201"),
    # --- Dashboards
    ("GET", "/dashboard/overview", None, "403 403 200 200 200"),
    ("GET", "/dashboard/metrics", None, "403 403 200 200 200"),
    ("GET", "/dashboard/ws/dashboard/status", None, "403 403 200 200 200"),
    ("GET", "/dashboard/students/hanako@example.com/activity", None, "403 403 404 200 200"),
    ("POST", "/dashboard/students/hanako@example.com/dismiss-help", None, "403 403 404 200 200"),
    ("POST", "/dashboard/students/hanako@example.com/resolve-error", None, "403 403 404 200 200"),
    # --- Progress
    ("GET", "/progress/student/hanako@example.com", None, "403 403 404 200 200"),
    ("GET", "/progress/assignment/hanako@example.com/{loops}", None, "403 403 404 200 200"),
    ("GET", "/progress/all-students", None, "403 403 200 200 200"),
    ("GET", "/progress/stats", None, "403 403 200 200 200"),
    ("GET", "/progress/notifications/hanako@example.com", None, "403 403 200 200 200"),
    ("POST", "/progress/notifications/nothing/read", None, "403 403 404 404 404"),
    ("POST", "/progress/process-event?user_id=u&assignment_id=1&cell_id=c", {}, "403 403 202 202 202"),
    # --- Pages: to the login, or nothing
    ("GET", "~/", None, "302 302 200 200 200"),
    ("GET", "~/login/", None, "200 200 302 302 302"),
    ("POST", "~/logout/", None, "302 302 302 302 302"),
    ("GET", "~/health", None, "200 200 200 200 200"),
    ("GET", "~/classes/{python}/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/cards/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/students/{hanako}/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/students/{ken}/", None, "302 302 404 404 404"),
    ("GET", "~/classes/{python}/assignments/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/assignments/new/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/assignments/{loops}/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/assignments/{traits}/", None, "302 302 404 404 404"),
    ("GET", "~/classes/{python}/assignments/{loops}/edit/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/assignments/{loops}/next/", None, "302 302 404 302 302"),
    ("GET", "~/classes/{python}/assignments/{loops}/grades.csv", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/submissions/{work}/", None, "302 302 404 200 200"),
    ("POST", "~/classes/{python}/submissions/{work}/", None, "302 302 404 302 302"),
    ("GET", "~/classes/{python}/submissions/{work}/notebook/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/submissions/{work}/notebook.ipynb", None, "302 302 404 404 404"),
    ("GET", "~/everybody/", None, "302 302 404 404 200"),
    ("GET", "~/everybody/cards/", None, "302 302 404 404 200"),
    ("GET", "~/everybody/students/{hanako}/", None, "302 302 404 404 200"),
    ("GET", "~/everybody", None, "302 302 302 302 302"),
    ("GET", "~/admin/", None, "302 302 302 302 200"),
    ("GET", "~/admin/rq/", None, "302 302 302 302 200"),
]
IDS = [
    f"{method} {path.lstrip('~')} {'' if body is None else json.dumps(body)[:40]}".strip()
    for method, path, body, _ in WALK
]
TABLE: dict[str, str] = {}


@pytest.fixture
def ids(cast, settings) -> dict[str, object]:  # noqa: F811
    settings.API_REQUIRE_AUTH = True
    settings.RATE_LIMITS = False
    work = AssignmentSubmission.objects.create(assignment=cast.loops, student=cast.hanako)
    someone = Instructor.objects.create(email="someone@school.example", name="Someone", password="!")
    return {**cast.ids(), "work": work.pk, "someone": someone.pk}


def filled(value, ids):
    """Places like `{python}`, alone in a string, as numbers."""
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    alone = re.fullmatch(r"\{(\w+)\}", value) if isinstance(value, str) else None
    return ids[alone[1]] if alone else value


def call(caller: Instructor | None, method: str, path: str, body) -> int:
    client = Client(raise_request_exception=False)
    headers = {}
    if caller is not None:
        client.force_login(caller)
        headers["Authorization"] = f"Bearer {tokens.issue(caller, now=datetime.now(UTC))}"
    content = b"" if body is None else json.dumps(body).encode()
    return client.generic(method, path, content, content_type="application/json", headers=headers).status_code


@pytest.mark.parametrize(("method", "path", "body", "expected"), WALK, ids=IDS)
def test_who_gets_what(cast, ids, redis, request, method, path, body, expected):  # noqa: F811
    address = path[1:] if path.startswith("~") else API + path
    address = re.sub(r"\{(\w+)\}", lambda place: str(ids[place[1]]), address)
    found = []
    for name in CALLERS:
        with transaction.atomic():
            found.append(str(call(getattr(cast, name, None), method, address, filled(body, ids))))
            transaction.set_rollback(True)
    TABLE[request.node.callspec.id] = " ".join(found)
    assert " ".join(found) == expected, MEANING


def routes(resolver: URLResolver, prefix: str = "") -> set[str]:
    found = set()
    for entry in resolver.url_patterns:
        own = str(entry.pattern)
        route = prefix + (own.removeprefix("^") if prefix else own)
        if isinstance(entry, URLPattern):
            found.add(route)
        elif not route.startswith(("admin/", "i18n/")):  # Django's own, behind is_staff: one row stands for all
            found |= routes(entry, route)
    return found


def test_every_address_has_a_row():
    walked = set()
    for _, path, _, _ in WALK:
        address = path[1:] if path.startswith("~") else API + path
        walked.add(resolve(re.sub(r"\{\w+\}", "1", address.partition("?")[0])).route)
    assert routes(get_resolver()) - walked == set()


@pytest.fixture(scope="module", autouse=True)
def table():
    yield
    rows = [f"| `{name}` | {' | '.join(statuses.split())} |" for name, statuses in TABLE.items()]
    head = [f"| address | {' | '.join(CALLERS)} |", "|---" * (len(CALLERS) + 1) + "|"]
    file = Path(__file__).parent.parent / "test-artifacts" / "walk.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join([f"Callers: {MEANING}", "", *head, *rows]) + "\n")
