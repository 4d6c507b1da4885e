"""Every address, walked as five kinds of caller, while logins are required: who gets what; and the API once more with a
key of each class, and with the tokens of three students.

The rows are in `tests/access_matrix/`; a new address without one fails. After a run the table is in
`test-artifacts/access-matrix.md`.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from classroom.analytics.models import AnalyticsReport
from classroom.questions.models import StuckQuestion
from instructors import tokens
from instructors.models import Instructor
from lms.models import (
    AssignmentStarter,
    AssignmentSubmission,
    ClassroomMap,
    EnvironmentSnapshot,
    NotebookVersion,
    Room,
    StudentToken,
)
from lms.versions.commits import commit
from lms.versions.snapshots import Author, Owner, store_snapshot
from tests.access_matrix.api import API_ROWS
from tests.access_matrix.keys import KEY_ROWS
from tests.access_matrix.pages import PAGE_ROWS
from tests.access_matrix.tokens import TOKEN_ROWS
from tests.lms.conftest import key_of, make_cast
from tests.lms.tokens.conftest import device_of
from tests.visitors import Undoing, Visitors

pytestmark = pytest.mark.usefixtures("plain_templates")

CALLERS = ("nobody", "gone", "suzuki", "sato", "admin")
MEANING = "nobody · deactivated · another class's instructor · the class's instructor · admin"
API = "/api/v1"
WALK = [*API_ROWS, *PAGE_ROWS]
IDS = [
    f"{method} {path.lstrip('~')} {'' if body is None else json.dumps(body)[:40]}".strip()
    for method, path, body, _ in WALK
]
TABLE: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _locked(db, settings):
    settings.API_REQUIRE_AUTH = True
    settings.RATE_LIMITS = False


# Made once: no case changes what the next one finds.
@pytest.fixture(scope="module")
def cast(rows_of_a_module):
    return make_cast()


@pytest.fixture(scope="module")
def ids(cast) -> dict[str, object]:
    work = AssignmentSubmission.objects.create(assignment=cast.loops, student=cast.hanako)
    AssignmentStarter.objects.create(assignment=cast.loops, content={"cells": []}, content_sha256="0" * 64)
    someone = Instructor.objects.create(email="someone@school.example", name="Someone", password="!")
    class_map = ClassroomMap.objects.create(class_ref=cast.python)
    lab = Room.objects.create(class_ref=cast.python, name="Lab")
    report = EnvironmentSnapshot.objects.create(source="client", student=cast.hanako)
    ordered = AnalyticsReport.objects.create(report_type="class", requested_by=cast.sato)
    ids = {"ordered": str(ordered.report_id), "work": work.pk, "someone": someone.pk, "report": str(report.snapshot_id)}
    ids |= {"sato": cast.sato.pk, "admin": cast.admin.pk}
    ids["device"] = device_of(cast.python, "hanako@example.com")[0].pk
    asked = {"student": cast.hanako, "class_ref": cast.python, "asked_at": datetime.now(UTC), "probability": 0.5}
    ids["question"] = StuckQuestion.objects.create(**asked).pk
    commit = committed(cast)
    ids |= {"commit": commit.version_id, "kept": commit.snapshot.snapshot_id, "branch": str(commit.branch.branch_id)}
    return {**cast.ids(), **ids, "map": ClassroomMap.objects.create().pk, "class_map": class_map.pk, "lab": lab.pk}


@pytest.fixture(scope="module")
def visitors(cast) -> Visitors:
    return Visitors(getattr(cast, name, None) for name in CALLERS)


def committed(cast) -> NotebookVersion:
    owner, author = Owner(class_id=cast.python.pk), Author()
    kept = store_snapshot(cast.notebook.path, {"cells": []}, sha256="0" * 64, owner=owner, author=author)
    return commit(kept, branch_name="main", message="m", author=author, now=datetime.now(UTC))


def filled(value, ids):
    """Places like `{python}`, alone in a string, as numbers."""
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    alone = re.fullmatch(r"\{(\w+)\}", value) if isinstance(value, str) else None
    return ids[alone[1]] if alone else value


def call(visitors: Visitors, caller: Instructor | None, method: str, path: str, body, **headers: str) -> int:
    client = visitors.client(caller)
    if caller is not None:
        headers["Authorization"] = f"Bearer {tokens.issue(caller, now=datetime.now(UTC))}"
    content = b"" if body is None else json.dumps(body).encode()
    answer = client.generic(method, path, content, content_type="application/json", headers=headers)
    for _ in answer.streaming_content if answer.streaming else ():
        pass  # its end closes the file
    return answer.status_code


@pytest.mark.parametrize(("method", "path", "body", "expected"), WALK, ids=IDS)
def test_who_gets_what(cast, ids, visitors, redis, request, method, path, body, expected):
    address = address_of(path, ids)
    found = []
    with Undoing.watching() as rows:
        for name in CALLERS:
            found.append(str(call(visitors, getattr(cast, name, None), method, address, filled(body, ids))))
            rows.undo()
    TABLE[request.node.callspec.id] = " ".join(found)
    assert " ".join(found) == expected, MEANING


def address_of(path: str, ids) -> str:
    address = path[1:] if path.startswith("~") else API + path
    return re.sub(r"\{(\w+)\}", lambda place: str(ids[place[1]]), address)


def row_of(method: str, path: str, body) -> tuple[str, ...]:
    return (method, path, "a report") if isinstance(body, dict) and "environment" in body else (method, path)


def key_row(method: str, path: str, body, nobody: str) -> str:
    """What the row says of keys; else the key is taken for nothing."""
    return KEY_ROWS.get(row_of(method, path, body)) or f"{nobody} {nobody}"


@pytest.mark.parametrize(("method", "path", "body", "expected"), API_ROWS, ids=IDS[: len(API_ROWS)])
def test_what_a_class_key_opens(cast, ids, visitors, redis, method, path, body, expected):
    found = []
    with Undoing.watching() as rows:
        for class_ref in (cast.python, cast.rust):
            key = key_of(class_ref, f"key of {class_ref.pk}")
            answer = call(visitors, None, method, address_of(path, ids), filled(body, ids), **{"X-Class-Key": key})
            found.append(str(answer))
            rows.undo()
    assert " ".join(found) == key_row(method, path, body, expected.split()[0]), "Python's key · Rust's key"


@pytest.mark.parametrize(("method", "path", "body", "expected"), API_ROWS, ids=IDS[: len(API_ROWS)])
def test_what_a_student_s_token_opens(cast, ids, visitors, redis, method, path, body, expected):
    found = []
    with Undoing.watching() as rows:
        for name in ("hanako", "jiro", "ken"):
            _, token = device_of(cast.rust if name == "ken" else cast.python, f"{name}@example.com")
            StudentToken.objects.filter(token_hash=StudentToken.hash(token)).update(confirmed_at=datetime.now(UTC))
            authorization = {"Authorization": f"Student {token}"}
            answer = call(visitors, None, method, address_of(path, ids), filled(body, ids), **authorization)
            found.append(str(answer))
            rows.undo()
    nobody = expected.split()[0]
    expected_row = TOKEN_ROWS.get(row_of(method, path, body)) or f"{nobody} {nobody} {nobody}"
    assert " ".join(found) == expected_row, "Hanako's token · Jiro's, of the same class · Ken's, of Rust"


def test_every_row_of_keys_and_tokens_is_walked():
    walked = {(method, path) for method, path, _, _ in API_ROWS}
    assert {row[:2] for row in [*KEY_ROWS, *TOKEN_ROWS]} <= walked


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
    file = Path(__file__).parent.parent / "test-artifacts" / "access-matrix.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join([f"Callers: {MEANING}", "", *head, *rows]) + "\n")
