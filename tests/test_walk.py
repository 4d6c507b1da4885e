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
from instructors.models import AnalyticsReport, Instructor
from lms.models import AssignmentSubmission, ClassroomMap, EnvironmentSnapshot, NotebookVersion
from lms.versions.commits import commit
from lms.versions.keeping import Author, Owner, keep_snapshot
from tests.lms.conftest import cast  # noqa: F401  (a fixture)

CALLERS = ("nobody", "gone", "suzuki", "sato", "admin")
MEANING = "nobody · deactivated · another class's instructor · the class's instructor · admin"
API = "/api/v1"
EVENT = {"eventType": "help", "emailAddress": "hanako@example.com"}
ASSIGNMENT = {"class_id": "{python}", "notebook_id": "{notebook}", "title": "A"}
PERSON = {"email": "new@school.example", "name": "New", "password": "password123"}
SETTING = {"setting_key": "banner", "setting_value": "hello", "setting_type": "str"}

# The forms about the map that hangs there; they name it.
ABOUT_A_MAP = ("delete", "place", "take-off", "arrange")

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
    ("POST", "/offline/queue", {"events": [EVENT]}, "202 202 202 202 202"),
    # --- The offline queue
    ("GET", "/offline/status", None, "403 403 200 200 200"),
    ("POST", "/offline/sync", {"force_sync": True}, "403 403 200 200 200"),
    ("GET", "/offline/failed-events", None, "403 403 200 200 200"),
    ("DELETE", "/offline/clear", None, "403 403 403 403 200"),
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
    # --- Operators
    ("GET", "/admin/metrics", None, "403 403 200 200 200"),
    ("GET", "/admin/performance", None, "403 403 200 200 200"),
    ("GET", "/admin/system-status", None, "403 403 200 200 200"),
    ("GET", "/admin/worker-status", None, "403 403 200 200 200"),
    ("GET", "/admin/settings", None, "403 403 200 200 200"),
    ("POST", "/admin/settings", SETTING, "403 403 403 403 200"),
    ("GET", "/admin/settings/cache_ttl_seconds", None, "403 403 200 200 200"),
    ("PUT", "/admin/settings/cache_ttl_seconds", {"new_value": 60}, "403 403 403 403 200"),
    ("GET", "/admin/consecutive-error-status", None, "403 403 200 200 200"),
    ("GET", "/admin/audit-log", None, "403 403 403 403 200"),
    ("GET", "~/metrics", None, "200 200 200 200 200"),  # from this machine; see tests/config/test_metrics.py
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
    # --- The classroom: the map of no class
    ("GET", "/classroom/map", None, "403 403 200 200 200"),
    ("POST", "/classroom/map/upload", None, "403 403 422 422 422"),
    ("GET", "/classroom/map/image/nothing.jpg", None, "403 403 404 404 404"),
    ("GET", "~/static/maps/nothing.jpg", None, "403 403 404 404 404"),
    ("PUT", "/classroom/map/{map}/positions", {"positions": {}}, "403 403 200 200 200"),
    ("PUT", "/classroom/map/{class_map}/positions", {"positions": {}}, "403 403 404 404 404"),
    ("POST", "/classroom/map/create-default", None, "403 403 200 200 200"),
    ("DELETE", "/classroom/map/{map}", None, "403 403 200 200 200"),
    ("GET", "/classroom/maps", None, "403 403 200 200 200"),
    # --- Environments
    ("GET", "/environment/current", None, "403 403 200 200 200"),
    ("GET", "/environment/summary", None, "403 403 200 200 200"),
    ("POST", "/environment/snapshot", {}, "403 403 201 201 201"),
    (
        "POST",
        "/environment/snapshot",
        {"environment": {}, "student_email": "hanako@example.com"},
        "403 403 404 201 201",
    ),
    ("GET", "/environment/packages", None, "403 403 200 200 200"),
    ("GET", "/environment/health", None, "403 403 200 200 200"),
    ("GET", "/environment/diff", None, "403 403 200 200 200"),
    ("POST", "/environment/diff", {"from_snapshot_id": "{report}"}, "403 403 404 200 200"),
    ("POST", "/environment/analyze", {"target_snapshot_id": "{report}"}, "403 403 404 200 200"),
    # --- Versions of notebooks: one history is the Python class's
    ("POST", "/notebook-version/snapshot", {"notebook_path": "n", "class_id": "{python}"}, "403 403 404 201 201"),
    ("POST", "/notebook-version/snapshot", {"notebook_path": "n"}, "403 403 201 201 201"),
    ("POST", "/notebook-version/commit", {"snapshot_id": "{kept}", "message": "m"}, "403 403 404 201 201"),
    (
        "POST",
        "/notebook-version/commit-direct",
        {"notebook_path": "n", "notebook_content": {"cells": []}, "message": "m", "class_id": "{python}"},
        "403 403 404 201 201",
    ),
    ("GET", "/notebook-version/history?notebook_path=lesson/loops.ipynb", None, "403 403 404 200 200"),
    ("GET", "/notebook-version/history/lesson/loops.ipynb", None, "403 403 404 200 200"),
    ("GET", "/notebook-version/latest?notebook_path=lesson/loops.ipynb", None, "403 403 404 200 200"),
    ("GET", "/notebook-version/latest/lesson/loops.ipynb", None, "403 403 404 200 200"),
    ("GET", "/notebook-version/version/{commit}", None, "403 403 404 200 200"),
    ("POST", "/notebook-version/branch", {"branch_name": "b", "from_commit_id": "{commit}"}, "403 403 404 201 201"),
    ("GET", "/notebook-version/branches?notebook_path=lesson/loops.ipynb", None, "403 403 404 200 200"),
    ("GET", "/notebook-version/branch/{branch}", None, "403 403 404 200 200"),
    (
        "POST",
        "/notebook-version/compare",
        {"from_commit_id": "{commit}", "to_commit_id": "{commit}"},
        "403 403 404 200 200",
    ),
    ("GET", "/notebook-version/compare/{commit}/{commit}", None, "403 403 404 200 200"),
    ("GET", "/notebook-version/snapshot/{kept}", None, "403 403 404 200 200"),
    ("GET", "/notebook-version/stats", None, "403 403 200 200 200"),
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
    # --- Analytics
    ("GET", "/analytics/progress", None, "403 403 200 200 200"),
    ("GET", "/analytics/progress?email=hanako@example.com", None, "403 403 404 200 200"),
    ("GET", "/analytics/progress?class_id={python}", None, "403 403 404 200 200"),
    ("GET", "/analytics/teams", None, "403 403 200 200 200"),
    ("GET", "/analytics/predictions?assignment_id={loops}", None, "403 403 404 200 200"),
    ("POST", "/analytics/reports", {"report_type": "class", "target": "PY-101"}, "403 403 404 201 201"),
    ("GET", "/analytics/reports/{ordered}", None, "403 403 404 200 200"),
    ("GET", "/analytics/reports/{ordered}/download", None, "403 403 404 409 409"),
    # --- Pages: to the login, or nothing
    ("GET", "~/", None, "302 302 200 200 200"),
    ("GET", "~/login/", None, "200 200 302 302 302"),
    ("POST", "~/logout/", None, "302 302 302 302 302"),
    ("GET", "~/health", None, "200 200 200 200 200"),
    ("GET", "~/classes/{python}/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/cards/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/students/{hanako}/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/students/{ken}/", None, "302 302 404 404 404"),
    ("POST", "~/display/", None, "400 400 400 400 400"),
    ("POST", "~/classes/{python}/students/{hanako}/notes/", None, "302 302 404 422 422"),
    ("POST", "~/classes/{python}/students/{ken}/notes/", None, "302 302 404 404 404"),
    ("POST", "~/classes/{python}/students/{hanako}/notes/{missing}/", None, "302 302 404 422 422"),
    ("POST", "~/classes/{python}/students/{hanako}/notes/{missing}/delete/", None, "302 302 404 404 404"),
    ("POST", "~/everybody/students/{hanako}/notes/", None, "302 302 404 404 422"),
    ("POST", "~/everybody/students/{hanako}/notes/{missing}/", None, "302 302 404 404 422"),
    ("POST", "~/everybody/students/{hanako}/notes/{missing}/delete/", None, "302 302 404 404 404"),
    ("GET", "~/classes/new/", None, "302 302 200 200 200"),
    ("GET", "~/classes/{python}/setup/", None, "302 302 404 200 200"),
    ("POST", "~/classes/{python}/setup/active/", None, "302 302 404 302 302"),
    ("GET", "~/classes/{python}/setup/connection/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/setup/connection/state/", None, "302 302 404 200 200"),
    ("POST", "~/classes/{python}/setup/connection/keys/", None, "302 302 404 200 200"),
    ("POST", "~/classes/{python}/setup/connection/keys/{missing}/revoke/", None, "302 302 404 404 404"),
    ("GET", "~/classes/{python}/setup/students/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/setup/students/import/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/setup/students/list.csv", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/setup/students/template.csv", None, "302 302 404 200 200"),
    ("POST", "~/classes/{python}/setup/students/{hanako}/remove/", None, "302 302 404 302 302"),
    ("POST", "~/classes/{python}/setup/students/{ken}/remove/", None, "302 302 404 404 404"),
    ("GET", "~/classes/{python}/setup/people/", None, "302 302 404 200 200"),
    ("POST", "~/classes/{python}/setup/people/invite/", None, "302 302 404 200 200"),
    ("POST", "~/classes/{python}/setup/people/leave/", None, "302 302 404 302 404"),
    ("POST", "~/classes/{python}/setup/people/hand-over/", None, "302 302 404 302 302"),
    ("POST", "~/classes/{python}/setup/people/{someone}/role/", None, "302 302 404 400 400"),
    ("POST", "~/classes/{python}/setup/people/{someone}/remove/", None, "302 302 404 404 404"),
    ("POST", "~/classes/{python}/setup/people/invitations/{missing}/cancel/", None, "302 302 404 404 404"),
    ("GET", "~/invitations/guessed:token/", None, "404 404 404 404 404"),
    ("GET", "~/classes/{python}/room/", None, "302 302 404 200 200"),
    ("POST", "~/classes/{python}/room/map/upload/", None, "302 302 404 400 400"),
    ("POST", "~/classes/{python}/room/map/plain/", None, "302 302 404 302 302"),
    *(("POST", f"~/classes/{{python}}/room/map/{name}/", None, "302 302 404 404 404") for name in ABOUT_A_MAP),
    ("GET", "~/classes/{python}/activity/", None, "302 302 404 200 200"),
    ("GET", "~/everybody/room/", None, "302 302 404 404 200"),
    ("POST", "~/everybody/room/map/upload/", None, "302 302 404 404 400"),
    ("POST", "~/everybody/room/map/plain/", None, "302 302 404 404 302"),
    *(("POST", f"~/everybody/room/map/{name}/", None, "302 302 404 404 404") for name in ABOUT_A_MAP),
    ("GET", "~/everybody/activity/", None, "302 302 404 404 200"),
    ("GET", "~/classes/{python}/notebooks/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/notebooks/{notebook}/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/notebooks/{notebook}/compare/", None, "302 302 404 302 302"),
    ("GET", "~/classes/{python}/notebooks/{notebook}/c{commit}/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/notebooks/{notebook}/c{commit}/notebook/?plain", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/environments/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/attention/", None, "302 302 404 200 200"),
    ("GET", "~/everybody/attention/", None, "302 302 404 404 200"),
    ("POST", "~/classes/{python}/attention/{hanako}/", None, "302 302 404 400 400"),
    ("POST", "~/everybody/attention/{hanako}/", None, "302 302 404 404 400"),
    ("POST", "~/classes/{python}/attention/{missing}/", None, "302 302 404 404 404"),
    ("POST", "~/everybody/attention/{missing}/", None, "302 302 404 404 404"),
    ("GET", "~/classes/{python}/cells/", None, "302 302 404 200 200"),
    ("GET", "~/everybody/cells/", None, "302 302 404 404 200"),
    ("GET", "~/classes/{python}/cells/states/", None, "302 302 404 404 404"),
    ("GET", "~/everybody/cells/states/", None, "302 302 404 404 404"),
    ("GET", "~/classes/{python}/cells/details/", None, "302 302 404 404 404"),
    ("GET", "~/everybody/cells/details/", None, "302 302 404 404 404"),
    ("GET", "~/classes/{python}/cells/errors/", None, "302 302 404 200 200"),
    ("GET", "~/everybody/cells/errors/", None, "302 302 404 404 200"),
    ("GET", "~/classes/{python}/cells/errors/{missing}/0123456789abcdef/", None, "302 302 404 404 404"),
    ("GET", "~/everybody/cells/errors/{missing}/0123456789abcdef/", None, "302 302 404 404 404"),
    ("POST", "~/classes/{python}/cells/errors/{missing}/0123456789abcdef/hint/", None, "302 302 404 404 404"),
    ("POST", "~/everybody/cells/errors/{missing}/0123456789abcdef/hint/", None, "302 302 404 404 404"),
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
    ("GET", "~/classes/{python}/report/", None, "302 302 404 200 200"),
    ("GET", "~/classes/{python}/report/cells.csv", None, "302 302 404 404 404"),  # there was no lesson yet
    ("GET", "~/classes/{python}/report/nothing.csv", None, "302 302 404 404 404"),
    ("GET", "~/reports/{ordered}/", None, "302 302 404 200 200"),
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
    class_map = ClassroomMap.objects.create(class_ref=cast.python)
    report = EnvironmentSnapshot.objects.create(source="client", student=cast.hanako)
    ordered = AnalyticsReport.objects.create(report_type="class", requested_by=cast.sato)
    ids = {"ordered": str(ordered.report_id), "work": work.pk, "someone": someone.pk, "report": str(report.snapshot_id)}
    commit = committed(cast)
    ids |= {"commit": commit.version_id, "kept": commit.snapshot.snapshot_id, "branch": str(commit.branch.branch_id)}
    return {**cast.ids(), **ids, "map": ClassroomMap.objects.create().pk, "class_map": class_map.pk}


def committed(cast) -> NotebookVersion:  # noqa: F811
    owner, author = Owner(class_id=cast.python.pk), Author()
    kept = keep_snapshot(cast.notebook.path, {"cells": []}, sha256="0" * 64, owner=owner, author=author)
    return commit(kept, branch_name="main", message="m", author=author, now=datetime.now(UTC))


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
