"""Ids of another class where no walk of addresses looks: in bodies and queries of the API, in forms of the pages, and
in the second place of an address below one's own class.

Sato teaches Python and only assists in Go; Rust is Suzuki's. What the API takes is read from its own document, the
pages from the URLs, so that a new field or page has to be told of here.
"""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from classroom.privacy.models import ErasureRequest
from classroom.setup import urls as setup
from classroom.setup.models import ClassInvitation
from classroom.students.models import StudentNote
from classroom.urls import urlpatterns
from instructors.models import AuditLog
from lms import rooms
from lms.api.schema_views import document
from lms.grading import version_token
from lms.models import (
    AssignmentSubmission,
    Cell,
    Class,
    ClassAssignment,
    ClassKey,
    ClassroomMap,
    ClassStaff,
    EnvironmentSnapshot,
    Notebook,
    RubricItem,
    SavedComment,
    Student,
    StudentClass,
)
from lms.seat_grid import PlacedSeat
from lms.versions.commits import commit
from lms.versions.snapshots import Author, Owner, store_snapshot
from tests.lms.conftest import PREFIX, filled
from tests.lms.tokens.conftest import device_of

SECRETS = ("Ken", "ken@example.com", "Traits", "Rust", "secret")


@pytest.fixture
def ids(cast, locked, settings) -> dict[str, Any]:
    """`own_…` are of Python, `foreign_…` of Rust, `go` and `mika` of the class in which Sato only assists."""
    settings.RATE_LIMITS = False
    go = Class.objects.create(class_code="GO", name="Go", instructor=cast.suzuki)
    ClassStaff.objects.create(class_ref=go, instructor=cast.sato, role="assistant")
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.admin, role="instructor")
    mika = Student.objects.create(email="mika@example.com", name="Mika")
    StudentClass.objects.create(student=mika, class_ref=go)
    jiro = Student.objects.create(email="jiro@example.com", name="Jiro")
    StudentClass.objects.create(student=jiro, class_ref=cast.python)
    second = Class.objects.create(class_code="PY-102", name="Python 2", instructor=cast.sato)
    channels = ClassAssignment.objects.create(class_ref=go, notebook=cast.notebook, title="Channels")
    found = {**cast.ids(), "go": go.pk, "mika": mika.pk, "jiro": jiro.pk, "second": second.pk, "channels": channels.pk}
    found |= {"sato": cast.sato.pk, "suzuki": cast.suzuki.pk, "admin": cast.admin.pk}
    for whose, class_ref, student, assignment in (
        ("own", cast.python, cast.hanako, cast.loops),
        ("foreign", cast.rust, cast.ken, cast.traits),
    ):
        made = of_class(class_ref, student, assignment, whose)
        found |= {f"{whose}_{name}": value for name, value in made.items()}
    return found


def of_class(class_ref, student, assignment, whose: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    notebook = Notebook.objects.create(path=f"secret/{whose}.ipynb", name=f"{whose}.ipynb")
    author, owner = Author(), Owner(class_id=class_ref.pk)
    content = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": f"secret of {whose}"}]}
    sha256 = ("a" if whose == "own" else "b") * 64
    snapshot = store_snapshot(notebook.path, content, sha256=sha256, owner=owner, author=author)
    version = commit(snapshot, branch_name="main", message="secret", author=author, now=now)
    room = rooms.make_room(class_ref.pk, name="Lab", seats=[PlacedSeat("A1", 10, 10)], now=now)
    work = AssignmentSubmission.objects.create(assignment=assignment, student=student, feedback="secret")
    cell = Cell.objects.create(notebook=notebook, cell_id=f"cell-{whose}", position=0)
    return {
        "notebook": notebook.pk,
        "snapshot": snapshot.snapshot_id,
        "version": version.version_id,
        "room": room.pk,
        "seat": room.seats.get().pk,
        "work": work.pk,
        "seen": version_token(work),
        "cell": cell.pk,
        "environment": str(
            EnvironmentSnapshot.objects.create(source="client", student=student, class_ref=class_ref).snapshot_id
        ),
        "map": ClassroomMap.objects.create(class_ref=class_ref, is_active=True).pk,
        "comment": SavedComment.objects.create(assignment=assignment, text="secret").pk,
        "item": RubricItem.objects.create(assignment=assignment, position=0, text="secret", points=1).pk,
        "key": ClassKey.objects.create(class_ref=class_ref, key_hash=whose).pk,
        "note": StudentNote.objects.create(student=student, class_ref=class_ref, text="secret").pk,
        "request": ErasureRequest.objects.create(student=student, class_ref=class_ref).pk,
        "invitation": ClassInvitation.objects.create(
            class_ref=class_ref, email="new@example.com", role="assistant", token_hash=whose, expires_at=now
        ).pk,
        "device": device_of(class_ref, student.email)[0].pk,
    }


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


def deeply_filled(value: Any, ids) -> Any:
    if isinstance(value, list):
        return [deeply_filled(each, ids) for each in value]
    if isinstance(value, dict):
        return {name: deeply_filled(each, ids) for name, each in value.items()}
    return filled(value, ids)


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


# --- Pages ----------------------------------------------------------------------------------------------------------

# What a place in an address is of another class.
PLACES = {
    "student_id": "{ken}",
    "assignment_id": "{traits}",
    "submission_id": "{foreign_work}",
    "room_id": "{foreign_room}",
    "notebook_id": "{foreign_notebook}",
    "note_id": "{foreign_note}",
    "key_id": "{foreign_key}",
    "token_id": "{foreign_device}",
    "account_id": "{suzuki}",
    "invitation_id": "{foreign_invitation}",
    "request_id": "{foreign_request}",
    "cell_id": "{foreign_cell}",
}
OWN = {
    "class_id": "{python}",
    "student_id": "{hanako}",
    "assignment_id": "{loops}",
    "notebook_id": "{own_notebook}",
    "note_id": "{own_note}",
    "cell_id": "{own_cell}",
    "digest": "0123456789abcdef",
    "ref": "c{foreign_version}",
}
FIELDS = {"role": "assistant", "act": "dismiss_help", "text": "x", "step": "correct", "email": "x@example.com"}


def pages() -> list[tuple[str, str]]:
    """Each page of a class with one place of its address to fill with what is another class's."""
    found = []
    for entry in [*urlpatterns, *setup.urlpatterns]:
        route = str(entry.pattern) if isinstance(entry, URLPattern) else ""
        if route.startswith("classes/<int:class_id>/"):
            found += [(route, place) for place in re.findall(r"<\w+:(\w+)>", route)[1:] if place in PLACES]
    return found


@pytest.mark.parametrize(("route", "place"), pages())
def test_an_id_of_another_class_below_one_s_own(cast, ids, redis, plain_templates, route, place):
    client = Client(raise_request_exception=False)
    client.force_login(cast.sato)
    names = {**OWN, place: PLACES[place]}
    address = "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(names[found[1]]).format(**ids), route)
    before = AuditLog.objects.exclude(action__endswith="_view").count()
    answers = [client.get(address), client.post(address, FIELDS)]
    gone = 302 if place == "request_id" else 404  # an erased student's request is said to be open no more
    assert {answer.status_code for answer in answers} <= {gone, 404, 405}, address
    assert AuditLog.objects.exclude(action__endswith="_view").count() == before


# Path, fields of a form that is right, and for each field what is another class's; right forms leave an audit entry.
FORMS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "setup/students/move/",
        {"student": "{hanako}", "target": "{second}", "step": "move"},
        {"student": "{ken}", "target": "{rust}"},
    ),
    (
        "setup/students/merge/",
        {"student": ["{hanako}", "{jiro}"], "keep": "{hanako}", "step": "merge"},
        {"student": ["{hanako}", "{ken}"], "keep": "{ken}"},  # type: ignore[dict-item]
    ),
    ("setup/people/hand-over/", {"account": "{admin}"}, {"account": "{suzuki}"}),
    ("setup/privacy/code/", {"student": "{hanako}"}, {"student": "{ken}"}),
    (
        "room/rooms/{own_room}/people/",
        {"act": "place", "student": "{hanako}", "seat": "{own_seat}"},
        {"student": "{ken}", "seat": "{foreign_seat}"},
    ),
    ("room/rooms/{own_room}/copy/", {"to": "{second}", "copy_name": "Copy"}, {"to": "{rust}"}),
    ("assignments/{loops}/copy/", {"to": "{second}", "days": "7"}, {"to": "{rust}"}),
    ("assignments/{loops}/comments/", {"delete": "{own_comment}"}, {"delete": "{foreign_comment}"}),
    (
        "submissions/{own_work}/",
        {"grade": "5", "rubric": "{own_item}", "seen": "{own_seen}"},
        {"rubric": "{foreign_item}"},
    ),
    ("room/map/place/", {"map": "{own_map}", "team": "A", "x": "5", "y": "5"}, {"map": "{foreign_map}"}),
]


@pytest.mark.parametrize(("path", "right", "foreign"), FORMS, ids=lambda value: str(value)[:40])
def test_an_id_of_another_class_in_a_form(cast, ids, redis, plain_templates, path, right, foreign):
    client = Client(raise_request_exception=False)
    client.force_login(cast.sato)
    address = f"/classes/{cast.python.pk}/{path.format(**ids)}"

    def changes() -> int:
        return AuditLog.objects.exclude(action__endswith="_view").count()

    before = changes()
    for field, other in foreign.items():
        for also in ({}, {"to": "{go}"} if "to" in right else {"student": "{mika}"} if field == "student" else {}):
            answer = client.post(address, deeply_filled({**right, field: other, **also}, ids))
            assert answer.status_code in (302, 404, 422), (field, also)
            assert not any(secret in answer.content.decode() for secret in ("ken@", "Traits", "secret of")), field
            assert changes() == before, (field, also)
    assert client.post(address, deeply_filled(right, ids)).status_code in (200, 302)
    assert changes() > before, "the form itself is right"


def test_a_saved_comment_of_another_class_is_not_inserted(cast, ids, redis):
    client = Client()
    client.force_login(cast.sato)
    address = f"/classes/{cast.python.pk}/submissions/{ids['own_work']}/"
    mine = SavedComment.objects.create(assignment=cast.loops, text="well said")
    SavedComment.objects.filter(pk=ids["foreign_comment"]).update(text="a foreign word")
    assert b"well said" in client.post(address, {"insert": mine.pk}).content
    assert b"a foreign word" not in client.post(address, {"insert": ids["foreign_comment"]}).content
