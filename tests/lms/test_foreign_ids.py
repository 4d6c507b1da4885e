"""Ids of another class where no walk of addresses looks: in bodies and queries of the API. What it takes is read from
its own document, so that a new field has to be told of here."""

import re
from typing import Any

import pytest

from instructors.models import AuditLog
from lms.api.schema_views import document
from tests.lms.conftest import PREFIX, filled
from tests.lms.foreign_rows import SECRETS, deeply_filled, rows_of_three_classes


@pytest.fixture
def ids(cast, locked, settings) -> dict[str, Any]:
    settings.RATE_LIMITS = False
    return rows_of_three_classes(cast)


# --- Bodies of the API ----------------------------------------------------------------------------------------------

# Method, path, a body that is taken, and for each id in it those that Sato may not name.
BODIES: list[tuple[str, str, dict[str, Any], dict[str, list[str]]]] = [
    (
        "POST",
        "/assignments",
        {"class_id": "{python}", "notebook_id": "{notebook}", "title": "A"},
        {"class_id": ["{rust}", "{go}"], "notebook_id": ["{foreign_notebook}"]},
    ),
    (
        "PUT",
        "/assignments/{loops}",
        {"class_id": "{second}", "notebook_id": "{notebook}"},
        {"class_id": ["{rust}", "{go}"], "notebook_id": ["{foreign_notebook}"]},
    ),
    ("POST", "/classes", {"name": "N", "class_code": "N", "instructor_id": "{sato}"}, {"instructor_id": ["{suzuki}"]}),
    (
        "POST",
        "/submissions",
        {"assignment_id": "{loops}", "student_id": "{jiro}", "grade": 5},
        {"assignment_id": ["{traits}", "{channels}"], "student_id": ["{ken}", "{mika}"]},
    ),
    (
        "PUT",
        "/submissions/{own_work}",
        {"assignment_id": "{loops}", "student_id": "{jiro}"},
        {"assignment_id": ["{traits}", "{channels}"], "student_id": ["{ken}", "{mika}"]},
    ),
    (
        "PUT",
        "/rooms/{own_room}/people",
        {"people": [{"seat_id": "{own_seat}", "student_id": "{jiro}"}]},
        {"people.seat_id": ["{foreign_seat}"], "people.student_id": ["{ken}", "{mika}"]},
    ),
    (
        "POST",
        "/environment/analyze",
        {"target_snapshot_id": "{own_environment}"},
        {"target_snapshot_id": ["{foreign_environment}"]},
    ),
    (
        "POST",
        "/environment/diff",
        {"from_snapshot_id": "{own_environment}", "to_snapshot_id": "{own_environment}"},
        {"from_snapshot_id": ["{foreign_environment}"], "to_snapshot_id": ["{foreign_environment}"]},
    ),
    (
        "POST",
        "/notebook-version/branch",
        {"branch_name": "b", "from_commit_id": "{own_version}"},
        {"from_commit_id": ["{foreign_version}"]},
    ),
    (
        "POST",
        "/notebook-version/branch",
        {"branch_name": "b", "from_version_id": "{own_version}"},
        {"from_version_id": ["{foreign_version}"]},
    ),
    (
        "POST",
        "/notebook-version/commit",
        {"snapshot_id": "{own_snapshot}", "message": "m"},
        {"snapshot_id": ["{foreign_snapshot}"]},
    ),
    (
        "POST",
        "/notebook-version/commit-direct",
        {"notebook_path": "a.ipynb", "notebook_content": {"cells": []}, "message": "m", "class_id": "{python}"},
        {"class_id": ["{rust}", "{go}"]},
    ),
    (
        "POST",
        "/notebook-version/snapshot",
        {"notebook_path": "a.ipynb", "class_id": "{python}"},
        {"class_id": ["{rust}", "{go}"]},
    ),
    (
        "POST",
        "/notebook-version/compare",
        {"from_commit_id": "{own_version}", "to_commit_id": "{own_version}"},
        {"from_commit_id": ["{foreign_version}"], "to_commit_id": ["{foreign_version}"]},
    ),
    (
        "POST",
        "/notebook-version/compare",
        {"from_version_id": "{own_version}", "to_version_id": "{own_version}"},
        {"from_version_id": ["{foreign_version}"], "to_version_id": ["{foreign_version}"]},
    ),
]
# Ids that name no row of a class: what a client calls itself or its session, and a session of JupyterLab by number, of
# which nothing is told. Those of a student's device are in tests/access_matrix/tokens.py.
NO_ROWS = re.compile(r"(event|session|cell|user)(Id|_id)|author_id|current_session_id")
ELSEWHERE = {
    ("POST", "/me/question", "id"),
    ("POST", "/me/token/confirm", "id"),
    ("POST", "/classroom/map/create-default", "instructor_id"),  # any text, stored as such
    ("POST", "/progress/process-event", "student_id"),  # of an event: the name in the query counts
    ("POST", "/progress/student-progress", "student_id"),
    ("POST", "/cell-monitor", "student_id"),
}


def replaced(body: Any, field: str, value: Any) -> Any:
    name, _, rest = field.partition(".")
    if not rest:
        return {**body, name: value}
    return {**body, name: [replaced(each, rest, value) for each in body[name]]}


@pytest.mark.parametrize(("method", "path", "body", "fields"), BODIES, ids=lambda value: str(value)[:40])
def test_an_id_of_another_class_in_a_body(cast, ids, api, redis, method, path, body, fields):
    address, right = path.format(**ids), deeply_filled(body, ids)
    for field, others in fields.items():
        for other in others:
            before = AuditLog.objects.count()
            answer = api(method, address, replaced(right, field, filled(other, ids)), user=cast.sato)
            assert answer.status_code in (403, 404, 422), (field, other, answer.content[:300])
            told = answer.content.decode()
            assert not any(secret in told for secret in SECRETS), (field, other, told)
            changes = AuditLog.objects.exclude(action__endswith="_view")[before:]
            assert not changes, [entry.action for entry in changes]
    assert api(method, address, right, user=cast.sato).status_code in (200, 201), "the body itself is right"


def id_fields(schema: dict[str, Any], components: dict[str, Any]) -> set[str]:
    """Names of properties that hold ids, dotted where they are in a list."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    found = set()
    for name, inner in schema.get("properties", {}).items():
        if name == "id" or re.search("(_id|Id)$", name):
            found.add(name)
        found |= {f"{name}.{each}" for each in id_fields(inner.get("items", {}), components)}
    for part in schema.get("allOf", []):
        found |= id_fields(part, components)
    return found


def operations():
    described = document()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "responses" in operation:
                yield method.upper(), path.removeprefix(PREFIX), operation, described["components"]["schemas"]


def walked(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_every_id_in_a_body_is_walked():
    known = {(method, walked(path), field) for method, path, _, fields in BODIES for field in fields}
    asked = set()
    for method, path, operation, components in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            fields = id_fields(content["schema"], components)
            asked |= {(method, walked(path), field) for field in fields if not NO_ROWS.fullmatch(field)}
    assert asked - known - ELSEWHERE == set()
    assert known <= asked, "the document has them all"


# --- Queries of the API ---------------------------------------------------------------------------------------------

QUERIES = {
    "class_id": ["{rust}"],
    "assignment_id": ["{traits}"],
    "student_id": ["{ken}"],
    "email": ["ken@example.com", "KEN@example.com"],
    "from_snapshot_id": ["{foreign_environment}"],
    "notebook_path": ["secret/foreign.ipynb"],
    "path": ["secret/foreign.ipynb"],
}


def test_an_id_of_another_class_in_a_query(cast, ids, api, redis):
    asked = 0
    for method, path, operation, _ in operations():
        if method != "GET" or "{" in path or path.startswith(("/me", "/openapi", "/docs")):
            continue
        for parameter in operation.get("parameters", []):
            for value in QUERIES.get(parameter["name"], ()) if parameter["in"] == "query" else ():
                address = f"{path}?{parameter['name']}={str(value).format(**ids)}"
                answer = api("GET", address, user=cast.sato)
                told = answer.content.decode().replace("secret/foreign.ipynb", "")  # what was asked for
                assert answer.status_code in (200, 404, 422), address
                assert not any(secret in told for secret in SECRETS), (address, told)
                assert api("GET", address, user=cast.suzuki).status_code != 500
                asked += 1
    assert asked > 12
