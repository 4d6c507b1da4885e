"""docs/contract/http.md section 4, row by row."""

import pytest

from lms.models import AssignmentSubmission, ClassAssignment
from tests.lms.conftest import filled, problem, rows_of, the_problem

pytestmark = pytest.mark.usefixtures("redis")

FIELDS = {"id", "class_id", "notebook_id", "title", "description", "due_date", "points", "weight"}
FIELDS |= {"created_at", "updated_at"}
NEW = {"class_id": "{python}", "notebook_id": "{notebook}", "title": "Strings"}
row = rows_of("http 4")

REFUSED = [
    row("POST unknown class -> 404", "POST", "/assignments", {**NEW, "class_id": "{missing}"}, "Class"),
    row("POST unknown notebook -> 404", "POST", "/assignments", {**NEW, "notebook_id": "{missing}"}, "Notebook"),
    row("PUT unknown class -> 404", "PUT", "/assignments/{loops}", {"class_id": "{missing}"}, "Class"),
    row("PUT unknown notebook -> 404", "PUT", "/assignments/{loops}", {"notebook_id": "{missing}"}, "Notebook"),
    row("GET unknown -> 404", "GET", "/assignments/999999", None, "Assignment"),
    row("PUT unknown -> 404", "PUT", "/assignments/999999", {}, "Assignment"),
    row("DELETE unknown -> 404", "DELETE", "/assignments/999999", None, "Assignment"),
]


@pytest.mark.parametrize(("method", "path", "body", "noun"), REFUSED)
def test_not_found(api, cast, method, path, body, noun):
    ids = cast.ids()
    response = api(method, path.format(**ids), filled(body, ids))
    assert (response.status_code, response.json()) == (404, {"detail": f"{noun} with id 999999 not found"})


UNPROCESSABLE = [
    row("POST boolean as class_id", {"class_id": True}, problem(["body", "class_id"], "value_error")),
    row("POST class_id beyond bigint", {"class_id": 2**63}, problem(["body", "class_id"], "less_than_equal")),
    row("POST fraction as class_id", {"class_id": 1.5}, problem(["body", "class_id"], "value_error")),
    row("POST list as notebook_id", {"notebook_id": []}, problem(["body", "notebook_id"], "value_error")),
    row("POST null title", {"title": None}, problem(["body", "title"], "null_not_allowed")),
    row("POST number as title", {"title": 1}, problem(["body", "title"], "value_error")),
    row("POST empty title", {"title": ""}, problem(["body", "title"], "string_too_short")),
    row("POST long title", {"title": "x" * 256}, problem(["body", "title"], "string_too_long")),
    row(
        "POST NUL in description",
        {"description": "\0"},
        problem(["body", "description"], "null_characters_not_allowed"),
    ),
    row("POST number as due_date", {"due_date": 5}, problem(["body", "due_date"], "value_error")),
    row("POST boolean as points", {"points": True}, problem(["body", "points"], "value_error")),
    row("POST boolean as weight", {"weight": True}, problem(["body", "weight"], "value_error")),
    row("POST weight below 0", {"weight": -1}, problem(["body", "weight"], "greater_than_equal")),
    row("POST null weight", {"weight": None}, problem(["body", "weight"], "null_not_allowed")),
    row("POST text as points", {"points": "many"}, problem(["body", "points"], "value_error")),
    row("POST nan as points", {"points": "nan"}, problem(["body", "points"], "value_error")),
    row("POST points beyond a float", {"points": 10**400}, problem(["body", "points"], "value_error")),
]


@pytest.mark.parametrize(("fields", "expected"), UNPROCESSABLE)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_unprocessable(api, cast, method, fields, expected):
    body = {**filled(NEW, cast.ids()), **fields}
    path = "/assignments" if method == "POST" else f"/assignments/{cast.loops.pk}"
    assert the_problem(api(method, path, body)) == expected


@pytest.mark.parametrize("name", ["class_id", "notebook_id", "title"])
def test_required_of_post(api, cast, name):
    body = filled(NEW, cast.ids())
    del body[name]
    assert the_problem(api("POST", "/assignments", body)) == problem(["body", name], "missing")


@pytest.mark.parametrize("name", ["class_id", "notebook_id", "title"])
def test_put_clears_no_required_field(api, cast, name):
    response = api("PUT", f"/assignments/{cast.loops.pk}", {name: None})
    assert the_problem(response) == problem(["body", name], "null_not_allowed")


@pytest.mark.parametrize(
    ("content", "kind"), [(b'{"points": 1e400}', "value_error"), (b'{"points": Infinity}', "json_invalid")]
)
def test_infinite_points_are_422(api, cast, content, kind):
    assert the_problem(api("PUT", f"/assignments/{cast.loops.pk}", content))["type"] == kind


def test_post_answers_201_with_exactly_the_fields(api, cast):
    body = {**NEW, "due_date": "2025-05-12T17:00:00+09:00", "points": 2.5, "colour": "red"}
    response = api("POST", "/assignments", filled(body, cast.ids()))
    assert response.status_code == 201
    made = response.json()
    assert set(made) == FIELDS
    assert (made["class_id"], made["notebook_id"]) == (cast.python.pk, cast.notebook.pk)
    assert (made["due_date"], made["points"], made["description"]) == ("2025-05-12T08:00:00Z", 2.5, None)


def test_lists_by_class_in_order(api, cast):
    ids = [cast.loops.pk, cast.traits.pk]
    assert [each["id"] for each in api("GET", "/assignments").json()] == ids
    assert [each["id"] for each in api("GET", f"/assignments?class_id={cast.rust.pk}").json()] == ids[1:]
    assert api("GET", "/assignments?class_id=999999").json() == []
    assert [each["id"] for each in api("GET", "/assignments?skip=1&limit=5").json()] == ids[1:]


@pytest.mark.parametrize(
    "query", ["class_id=x", "class_id=", f"class_id={2**63}", "limit=0", "limit=1001", "skip=-1", "skip=1.5"]
)
def test_a_bad_query_is_422(api, query):
    assert the_problem(api("GET", f"/assignments?{query}"))["loc"] == ["query", query.partition("=")[0]]


def test_put_is_partial_and_null_clears(api, cast):
    path = f"/assignments/{cast.loops.pk}"
    assert api("PUT", path, {}).json()["updated_at"] is None
    changed = api("PUT", path, {"description": "All", "points": 5, "class_id": cast.rust.pk}).json()
    assert (changed["title"], changed["description"], changed["points"]) == ("Loops", "All", 5.0)
    assert (changed["class_id"], changed["due_date"]) == (cast.rust.pk, "2030-01-01T00:00:00Z")
    assert changed["updated_at"] is not None
    cleared = api("PUT", path, {"description": None, "points": None, "due_date": None}).json()
    assert (cleared["description"], cleared["points"], cleared["due_date"]) == (None, None, None)
    assert cleared == api("GET", path).json()


def test_delete_answers_with_the_assignment(api, cast):
    before = api("GET", f"/assignments/{cast.loops.pk}").json()
    deleted = api("DELETE", f"/assignments/{cast.loops.pk}")
    assert (deleted.status_code, deleted.json()) == (200, before)
    assert not ClassAssignment.objects.filter(pk=cast.loops.pk).exists()


def test_one_with_submissions_is_not_deleted(api, cast):
    AssignmentSubmission.objects.create(assignment=cast.loops, student=cast.hanako)
    response = api("DELETE", f"/assignments/{cast.loops.pk}")
    detail = f"Assignment with id {cast.loops.pk} still has submissions"
    assert (response.status_code, response.json()) == (409, {"detail": detail})


@pytest.mark.parametrize("path", ["/assignments/", "/v1/assignments", "/v1/assignments/"])
def test_every_form_of_the_path_takes_a_post(api, cast, path):
    assert api("POST", path, filled(NEW, cast.ids())).status_code == 201


def test_ids_in_the_path_are_integers(api):
    assert the_problem(api("GET", "/assignments/abc")) == problem(["path", "assignment_id"], "int_parsing")
