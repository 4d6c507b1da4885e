"""docs/contract/http.md section 3, row by row."""

import gzip
import json
from datetime import datetime, timedelta

import pytest

from lms.models import Class, ClassKey, StudentClass
from tests.lms.conftest import filled, key_of, problem, rows_of, the_problem

FIELDS = {"id", "name", "class_code", "description", "is_active", "created_at", "updated_at"}
NEW = {"name": "Go", "class_code": "GO-101"}


row = rows_of("http 3")


REFUSED = [
    row(
        "POST /classes duplicate code -> 400",
        ("POST", "/classes", {"name": "Again", "class_code": "PY-101"}),
        (400, "Class with code 'PY-101' already exists"),
    ),
    row(
        "PUT /classes/{id} duplicate code -> 400",
        ("PUT", "/classes/{rust}", {"class_code": "PY-101"}),
        (400, "Class with code 'PY-101' already exists"),
    ),
    row("GET unknown -> 404", ("GET", "/classes/999999", None), (404, "Class with id 999999 not found")),
    row("PUT unknown -> 404", ("PUT", "/classes/999999", {}), (404, "Class with id 999999 not found")),
    row("DELETE unknown -> 404", ("DELETE", "/classes/999999", None), (404, "Class with id 999999 not found")),
    row("GET beyond bigint -> 404", ("GET", f"/classes/{2**70}", None), (404, f"Class with id {2**70} not found")),
    row(
        "POST unknown instructor -> 404",
        ("POST", "/classes", {**NEW, "instructor_id": 999_999}),
        (404, "Instructor with id 999999 not found"),
    ),
    row(
        "DELETE has assignments -> 409",
        ("DELETE", "/classes/{python}", None),
        (409, "Class with id {id} still has assignments"),
    ),
]


@pytest.mark.parametrize(("request_", "answer"), REFUSED)
def test_refused_with_a_text(api, cast, request_, answer):
    method, path, body = request_
    response = api(method, filled(path, cast.ids()), body)
    status, detail = answer
    assert (response.status_code, response.json()) == (status, {"detail": detail.replace("{id}", str(cast.python.pk))})


UNPROCESSABLE = [
    row("POST without name", "POST", {"class_code": "X"}, problem(["body", "name"], "missing")),
    row("POST without class_code", "POST", {"name": "X"}, problem(["body", "class_code"], "missing")),
    row("POST null name", "POST", {**NEW, "name": None}, problem(["body", "name"], "null_not_allowed")),
    row("POST number as name", "POST", {**NEW, "name": 5}, problem(["body", "name"], "value_error")),
    row(
        "POST boolean as class_code",
        "POST",
        {**NEW, "class_code": True},
        problem(["body", "class_code"], "value_error"),
    ),
    row(
        "POST list as description", "POST", {**NEW, "description": []}, problem(["body", "description"], "value_error")
    ),
    row("POST blank name", "POST", {**NEW, "name": "  "}, problem(["body", "name"], "string_too_short")),
    row("POST long name", "POST", {**NEW, "name": "x" * 256}, problem(["body", "name"], "string_too_long")),
    row(
        "POST long class_code",
        "POST",
        {**NEW, "class_code": "x" * 101},
        problem(["body", "class_code"], "string_too_long"),
    ),
    row(
        "POST NUL in name",
        "POST",
        {**NEW, "name": "a\0b"},
        problem(["body", "name"], "null_characters_not_allowed"),
    ),
    row(
        "POST lone surrogate",
        "POST",
        {**NEW, "description": "\ud800"},
        problem(["body", "description"], "surrogate_characters_not_allowed"),
    ),
    row(
        "POST instructor beyond bigint",
        "POST",
        {**NEW, "instructor_id": 2**63},
        problem(["body", "instructor_id"], "less_than_equal"),
    ),
    row(
        "POST boolean as instructor_id",
        "POST",
        {**NEW, "instructor_id": True},
        problem(["body", "instructor_id"], "value_error"),
    ),
    row("POST bad start_date", "POST", {**NEW, "start_date": "soon"}, problem(["body", "start_date"], "value_error")),
    row(
        "POST date that UTC cannot hold",
        "POST",
        {**NEW, "start_date": "0001-01-01T00:00:00+14:00"},
        problem(["body", "start_date"], "value_error"),
    ),
    row("POST a list", "POST", [NEW], problem(["body"], "value_error")),
    row("POST broken JSON", "POST", b"{", problem(["body"], "json_invalid")),
    row("POST NaN", "POST", b'{"name": NaN}', problem(["body"], "json_invalid")),
    row("PUT null name", "PUT", {"name": None}, problem(["body", "name"], "null_not_allowed")),
    row("PUT null is_active", "PUT", {"is_active": None}, problem(["body", "is_active"], "null_not_allowed")),
    row("PUT is_active no boolean", "PUT", {"is_active": "perhaps"}, problem(["body", "is_active"], "value_error")),
    row("PUT null class_code", "PUT", {"class_code": None}, problem(["body", "class_code"], "null_not_allowed")),
]


@pytest.mark.parametrize(("method", "body", "expected"), UNPROCESSABLE)
def test_unprocessable(api, cast, method, body, expected):
    path = "/classes" if method == "POST" else f"/classes/{cast.python.pk}"
    response = api(method, path, body)
    assert the_problem(response) == expected


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("text", ["abc", "1.0", "1x", "²", "--1"])
def test_an_id_that_is_no_integer_is_422(api, method, text):
    response = api(method, f"/classes/{text}", {} if method == "PUT" else None)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["path", "class_id"]


PAGES = [
    row("GET skip=-1 -> 422", "skip=-1", 422),
    row("GET skip=x -> 422", "skip=x", 422),
    row("GET skip beyond bigint -> 422", f"skip={2**63}", 422),
    row("GET limit=0 -> 422", "limit=0", 422),
    row("GET limit=1001 -> 422", "limit=1001", 422),
    row("GET limit=1000 -> 200", "limit=1000", 200),
    row("GET unknown key ignored -> 200", "colour=red", 200),
]


@pytest.mark.parametrize(("query", "status"), PAGES)
def test_bounds_of_a_page(api, query, status):
    response = api("GET", f"/classes?{query}")
    assert response.status_code == status
    if status == 422:
        assert response.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_post_answers_201_with_exactly_the_fields(api):
    response = api("POST", "/classes", {**NEW, "description": None, "colour": "red"})
    assert response.status_code == 201
    made = response.json()
    assert set(made) == FIELDS
    assert (made["name"], made["class_code"], made["description"]) == ("Go", "GO-101", None)
    assert made["is_active"] is True
    assert made["updated_at"] is None
    assert datetime.fromisoformat(made["created_at"]).utcoffset() == timedelta(0)


def test_optional_fields_of_post_are_stored_and_a_naive_time_is_utc(api, cast):
    body = {
        **NEW,
        "instructor_id": cast.sato.pk,
        "start_date": "2025-04-01T09:00:00",
        "end_date": "2025-04-01T18:00+09:00",
    }
    made = Class.objects.get(pk=api("POST", "/classes", body).json()["id"])
    assert made.instructor == cast.sato
    assert made.start_date.isoformat() == "2025-04-01T09:00:00+00:00"
    assert made.end_date.isoformat() == "2025-04-01T09:00:00+00:00"


def test_strings_come_back_as_sent(api):
    body = {"name": " 日本語 <b> ", "class_code": "a b/c", "description": "\t\n"}
    made = api("POST", "/classes", body).json()
    assert {name: made[name] for name in body} == body


def test_lists_are_ordered_by_id_and_paged(api, cast):
    assert [each["id"] for each in api("GET", "/classes").json()] == [cast.python.pk, cast.rust.pk]
    assert [each["id"] for each in api("GET", "/classes?skip=1&limit=1").json()] == [cast.rust.pk]


def test_put_is_partial(api, cast):
    Class.objects.filter(pk=cast.python.pk).update(description="Mondays")
    path = f"/classes/{cast.python.pk}"
    unchanged = api("PUT", path, {}).json()
    assert (unchanged["description"], unchanged["updated_at"]) == ("Mondays", None)
    changed = api("PUT", path, {"name": "Python 2", "id": 5, "created_at": None}).json()
    assert (changed["name"], changed["description"], changed["id"]) == ("Python 2", "Mondays", cast.python.pk)
    assert changed["updated_at"] is not None
    assert api("PUT", path, {"description": None, "is_active": False}).json()["description"] is None
    stored = api("GET", path).json()
    assert (stored["name"], stored["description"], stored["is_active"]) == ("Python 2", None, False)
    assert set(stored) == FIELDS


def test_put_of_its_own_code_is_no_clash(api, cast):
    assert api("PUT", f"/classes/{cast.python.pk}", {"class_code": "PY-101"}).status_code == 200


def test_delete_answers_with_the_class_and_frees_its_code(api, cast):
    made = api("POST", "/classes", NEW).json()
    StudentClass.objects.create(class_ref_id=made["id"], student=cast.hanako)
    key_of(Class.objects.get(pk=made["id"]), "a key")
    deleted = api("DELETE", f"/classes/{made['id']}")
    assert (deleted.status_code, deleted.json()) == (200, made)
    assert api("GET", f"/classes/{made['id']}").status_code == 404
    assert not ClassKey.objects.filter(class_ref_id=made["id"]).exists()
    assert api("POST", "/classes", NEW).status_code == 201


def test_a_class_with_assignments_stays_whole(api, cast):
    assert api("DELETE", f"/classes/{cast.python.pk}").status_code == 409
    assert StudentClass.objects.filter(class_ref=cast.python).exists()


@pytest.mark.parametrize("path", ["/classes", "/classes/", "/v1/classes", "/v1/classes/"])
def test_every_form_of_the_path_takes_a_post(api, path):
    assert api("POST", path, NEW).status_code == 201


@pytest.mark.parametrize("tail", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_every_form_of_the_path_finds_one(api, cast, prefix, tail):
    assert api("GET", f"{prefix}/classes/{cast.python.pk}{tail}").json()["id"] == cast.python.pk


def test_a_gzip_body(api):
    body = gzip.compress(json.dumps(NEW).encode())
    assert api("POST", "/classes", body, **{"Content-Encoding": "gzip"}).status_code == 201


def test_a_broken_gzip_body(api):
    response = api("POST", "/classes", b"not gzip", **{"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()) == (400, {"detail": "The body is not valid gzip"})


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_body_beyond_the_limit(api, settings, encoding):
    settings.EVENT_BODY_LIMIT = 1024
    body = json.dumps({**NEW, "description": "x" * 2000}).encode()
    body = gzip.compress(body) if encoding == "gzip" else body
    response = api("POST", "/classes", body, **{"Content-Encoding": encoding})
    assert (response.status_code, response.json()) == (
        413,
        {"detail": "The body exceeds the maximum size of 1024 bytes"},
    )


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/classes"), ("POST", "/classes/1"), ("DELETE", "/classes"), ("OPTIONS", "/classes")]
)
def test_a_wrong_method_is_405(api, method, path):
    response = api(method, path, {})
    assert (response.status_code, response.json()) == (405, {"detail": "Method Not Allowed"})
    assert "GET" in response["Allow"]


def test_an_unknown_route_is_404(api):
    assert api("GET", "/classrooms").json() == {"detail": "Not Found"}


def test_other_content_is_415(client, db):
    response = client.post("/api/v1/classes", "name=Go", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 415
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_absurd_nesting_is_422(api, depth):
    response = api("POST", "/classes", b'{"name": ' + b"[" * depth + b"]" * depth + b"}")
    assert response.status_code == 422
