"""docs/contract/http.md section 5a: notebooks."""

import pytest

from lms.models import Notebook, Student
from tests.lms.conftest import problem, rows_of, the_problem

row = rows_of("http 5a")


@pytest.fixture
def opened(cast):
    """A notebook that Ken has open, and that is nobody's assignment."""
    notebook = Notebook.objects.create(path="own.ipynb", name="own.ipynb")
    Student.objects.filter(pk=cast.ken.pk).update(current_notebook=notebook)
    return notebook


FILTERS = [
    row("GET /notebooks", "", ["lesson/loops.ipynb", "own.ipynb"]),
    row("GET /notebooks path", "path=lesson/loops.ipynb", ["lesson/loops.ipynb"]),
    row("GET /notebooks path is exact", "path=loops", []),
    row("GET /notebooks class_id, assignments", "class_id={python}", ["lesson/loops.ipynb"]),
    row("GET /notebooks class_id, open now", "class_id={rust}", ["lesson/loops.ipynb", "own.ipynb"]),
    row("GET /notebooks unknown class_id", "class_id=999999", []),
    row("GET /notebooks path and class_id", "class_id={rust}&path=own.ipynb", ["own.ipynb"]),
    row("GET /notebooks skip and limit", "skip=1&limit=1", ["own.ipynb"]),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_filters(api, cast, opened, query, expected):
    response = api("GET", f"/notebooks?{query.format(**cast.ids())}")
    assert response.status_code == 200, response.content
    assert [each["path"] for each in response.json()] == expected


@pytest.mark.parametrize("query", ["class_id=x", "limit=0", "limit=1001", "skip=-1", "path=%00"])
def test_a_bad_query_is_422(api, query):
    assert the_problem(api("GET", f"/notebooks?{query}"))["loc"] == ["query", query.partition("=")[0]]


NAMES = [
    row("POST name is the last segment", "week 1/演習.ipynb", "演習.ipynb"),
    row("POST a bare name", "a.ipynb", "a.ipynb"),
    row("POST a slash at the end", "folder/", "folder"),
    row("POST only slashes", "//", "//"),
    row("POST longest path", "x" * 1024, "x" * 1024),
]


@pytest.mark.parametrize(("path", "name"), NAMES)
def test_post(api, path, name):
    response = api("POST", "/notebooks", {"path": path, "name": "ignored"})
    assert response.status_code == 201
    made = response.json()
    assert made == {"id": made["id"], "path": path, "name": name, "last_modified": None}
    assert made in api("GET", "/notebooks").json()


def test_a_taken_path_is_400(api):
    response = api("POST", "/notebooks", {"path": "lesson/loops.ipynb"})
    detail = "Notebook with path 'lesson/loops.ipynb' already exists"
    assert (response.status_code, response.json()) == (400, {"detail": detail})


UNPROCESSABLE = [
    row("POST without path", {}, "missing"),
    row("POST null path", {"path": None}, "null_not_allowed"),
    row("POST number as path", {"path": 5}, "value_error"),
    row("POST empty path", {"path": ""}, "string_too_short"),
    row("POST long path", {"path": "x" * 1025}, "string_too_long"),
    row("POST NUL in path", {"path": "a\0"}, "null_characters_not_allowed"),
]


@pytest.mark.parametrize(("body", "kind"), UNPROCESSABLE)
def test_unprocessable(api, body, kind):
    assert the_problem(api("POST", "/notebooks", body)) == problem(["body", "path"], kind)


@pytest.mark.parametrize("path", ["/notebooks/", "/v1/notebooks", "/v1/notebooks/"])
def test_every_form_of_the_path_takes_a_post(api, path):
    assert api("POST", path, {"path": "new.ipynb"}).status_code == 201
