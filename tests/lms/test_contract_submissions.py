"""docs/contract/http.md section 5, row by row."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from lms.api import notebook_content
from lms.models import AssignmentSubmission
from tests.lms.conftest import filled, problem, rows_of, the_problem

pytestmark = pytest.mark.usefixtures("redis")

FIELDS = {
    "id",
    "assignment_id",
    "student_id",
    "notebook_content",
    "submitted_at",
    "status",
    "grade",
    "feedback",
    # More than the contract names:
    "submission_comment",
    "content_sha256",
    "attempt",
    "is_late",
}
NEW = {"assignment_id": "{loops}", "student_id": "{hanako}"}
CODE = {
    "id": "a1",
    "cell_type": "code",
    "source": "1",
    "metadata": {"日本": [1.5, None, True]},
    "outputs": [{"output_type": "stream", "name": "stdout", "text": ["é\n"]}],
    "execution_count": 3,
}
NOTEBOOK = {"cells": [CODE], "metadata": {"kernelspec": {"name": "python3", "display_name": "x"}}, "nbformat": 4}
NOTEBOOK = {**NOTEBOOK, "nbformat_minor": 5}
row = rows_of("http 5")


@pytest.fixture
def hand_in(api, cast):
    def post(**fields):
        response = api("POST", "/submissions", {**filled(NEW, cast.ids()), **fields})
        assert response.status_code == 201, response.content
        return response.json()

    return post


REFUSED = [
    row("POST unknown assignment -> 404", "POST", "/submissions", {**NEW, "assignment_id": "{missing}"}, "Assignment"),
    row("POST unknown student -> 404", "POST", "/submissions", {**NEW, "student_id": "{missing}"}, "Student"),
    row("PUT unknown assignment -> 404", "PUT", "/submissions/{made}", {"assignment_id": "{missing}"}, "Assignment"),
    row("PUT unknown student -> 404", "PUT", "/submissions/{made}", {"student_id": "{missing}"}, "Student"),
    row("GET unknown -> 404", "GET", "/submissions/999999", None, "Submission"),
    row("PUT unknown -> 404", "PUT", "/submissions/999999", {}, "Submission"),
    row("DELETE unknown -> 404", "DELETE", "/submissions/999999", None, "Submission"),
]


@pytest.mark.parametrize(("method", "path", "body", "noun"), REFUSED)
def test_not_found(api, cast, hand_in, method, path, body, noun):
    ids = {**cast.ids(), "made": hand_in()["id"]}
    response = api(method, path.format(**ids), filled(body, ids))
    assert (response.status_code, response.json()) == (404, {"detail": f"{noun} with id 999999 not found"})


UNPROCESSABLE = [
    row("boolean as assignment_id", {"assignment_id": False}, problem(["body", "assignment_id"], "value_error")),
    row("student beyond bigint", {"student_id": 10**30}, problem(["body", "student_id"], "less_than_equal")),
    row("null student", {"student_id": None}, problem(["body", "student_id"], "null_not_allowed")),
    row("null status", {"status": None}, problem(["body", "status"], "null_not_allowed")),
    row("number as status", {"status": 1}, problem(["body", "status"], "value_error")),
    row("long status", {"status": "x" * 51}, problem(["body", "status"], "string_too_long")),
    row("boolean as grade", {"grade": True}, problem(["body", "grade"], "value_error")),
    row("infinite grade", {"grade": "Infinity"}, problem(["body", "grade"], "value_error")),
    row("list as grade", {"grade": [1]}, problem(["body", "grade"], "value_error")),
    row("number as feedback", {"feedback": 5}, problem(["body", "feedback"], "value_error")),
    row("NUL in feedback", {"feedback": "\0"}, problem(["body", "feedback"], "null_characters_not_allowed")),
    row("text as content", {"notebook_content": "{}"}, problem(["body", "notebook_content"], "value_error")),
    row("list as content", {"notebook_content": []}, problem(["body", "notebook_content"], "value_error")),
]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(("fields", "expected"), UNPROCESSABLE)
def test_unprocessable(api, cast, hand_in, method, fields, expected):
    path = "/submissions" if method == "POST" else f"/submissions/{hand_in()['id']}"
    assert the_problem(api(method, path, {**filled(NEW, cast.ids()), **fields})) == expected


@pytest.mark.parametrize("name", ["assignment_id", "student_id"])
def test_required_of_post(api, cast, name):
    body = filled(NEW, cast.ids())
    del body[name]
    assert the_problem(api("POST", "/submissions", body)) == problem(["body", name], "missing")


NO_NOTEBOOKS = [
    row("content {}", {}),
    row("cells no list", {"cells": {}}),
    row("cells null", {"cells": None, "nbformat": 4}),
    row("worksheets without cells", {"nbformat": 3, "worksheets": [{}]}),
    row("nothing but what is no cell", {"cells": [1]}),
    row("nbformat 99", {"cells": [], "nbformat": 99}),
    row("nbformat 0", {"cells": [], "nbformat": 0}),
    row("nbformat a list", {"cells": [], "nbformat": []}),
    row("nbformat a boolean", {"cells": [], "nbformat": True}),
    row("nbformat with a fraction", {"cells": [], "nbformat": 4.5}),
    row("nested 200 deep", {"cells": [], "metadata": {"deep": json.loads("[" * 200 + "]" * 200)}}),
]


@pytest.mark.parametrize("content", NO_NOTEBOOKS)
def test_what_is_no_notebook_is_422(api, cast, content):
    response = api("POST", "/submissions", {**filled(NEW, cast.ids()), "notebook_content": content})
    assert the_problem(response)["loc"] == ["body", "notebook_content"]
    assert not AssignmentSubmission.objects.exists()


NOTEBOOKS = [
    row("complete", NOTEBOOK),
    row("no nbformat", {"cells": [CODE], "metadata": {}}),
    row("no metadata", {"cells": [], "nbformat": 4, "nbformat_minor": 4}),
    row("minor 4, no ids", {"cells": [{"cell_type": "markdown", "source": "#"}], "nbformat": 4, "nbformat_minor": 4}),
    row("minor 4 with ids", {"cells": [CODE], "nbformat": 4, "nbformat_minor": 4}),
    row("no outputs, no count", {"cells": [{"cell_type": "code", "source": ["a\n", "b"]}]}),
    row("from the future", {"cells": [], "nbformat": 4, "nbformat_minor": 12345}),
    row("extra keys", {"cells": [{**CODE, "mark": 1}], "sender": {"a": []}}),
    row("nbformat 3", {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}),
    row("nbformat 2", {"nbformat": 2, "worksheets": [{"cells": [{"cell_type": "code", "input": "1"}]}]}),
    row("nbformat a text", {"cells": [], "nbformat": "4"}),
    row("nbformat_minor negative", {"cells": [], "nbformat_minor": -1}),
    row("nbformat_minor a boolean", {"cells": [], "nbformat_minor": True}),
    row("metadata null", {"cells": [], "metadata": None}),
    row("metadata a list", {"cells": [], "metadata": []}),
    row("one thing that is no cell", {"cells": [None, CODE]}),
    row("an id that is no id", {"cells": [{"id": "ä ö", "cell_type": "markdown", "source": ""}]}),
    row("an id that is a number", {"cells": [{"id": 7, "cell_type": "markdown", "source": ""}]}),
    row("a cell without type", {"cells": [{"source": ""}]}),
    row("a cell type that is a number", {"cells": [{"cell_type": 5, "source": ""}]}),
    row("an unknown cell type", {"cells": [{"cell_type": "poem", "source": ""}]}),
    row("a cell without source", {"cells": [{"cell_type": "markdown"}]}),
    row("outputs no list", {"cells": [{"cell_type": "code", "source": "", "outputs": {}}]}),
    row("outputs null", {"cells": [{"cell_type": "code", "source": "", "outputs": None}]}),
    row("two cells of one id", {"cells": [CODE, CODE]}),
    row("large and small numbers", {"cells": [], "metadata": {"n": [1e-300, 10**50, -0.5, 1.0, 1e22]}}),
]


@pytest.mark.parametrize("content", NOTEBOOKS)
def test_content_comes_back_as_sent(api, hand_in, content):
    made = hand_in(notebook_content=content)
    assert made["notebook_content"] == content
    stored = api("GET", f"/submissions/{made['id']}").json()
    assert stored["notebook_content"] == content
    assert stored == made


def test_characters_that_cannot_be_stored_are_replaced(hand_in):
    output = {"output_type": "stream", "name": "stdout", "text": "a\0b\ud800"}
    made = hand_in(notebook_content={"cells": [{**CODE, "outputs": [output]}], "metadata": {"k\0": 1}})
    content = made["notebook_content"]
    assert content["cells"][0]["outputs"][0]["text"] == "a\ufffdb\ufffd"
    assert content["metadata"] == {"k\ufffd": 1}


@pytest.mark.parametrize("said", ["1e999", "NaN", "-Infinity"])
def test_numbers_that_are_none_become_null(api, cast, said):
    """As Python writes them, plots of Plotly above all; JSON in PostgreSQL cannot hold them."""
    body = json.dumps({**filled(NEW, cast.ids()), "notebook_content": {"cells": [], "metadata": {"n": [1, "x"]}}})
    response = api("POST", "/submissions", body.replace('"x"', said).encode())
    assert response.status_code == 201
    assert response.json()["notebook_content"]["metadata"] == {"n": [1, None]}
    assert AssignmentSubmission.objects.get().notebook_content["metadata"] == {"n": [1, None]}


@pytest.mark.parametrize("field", ["grade", "assignment_id", "status", "submitted_at", "feedback"])
@pytest.mark.parametrize("said", ["NaN", "Infinity"])
def test_elsewhere_they_are_no_value(api, cast, hand_in, field, said):
    made = hand_in(grade=7)
    response = api("PUT", f"/submissions/{made['id']}", f'{{"{field}": {said}}}'.encode())
    if field != "submitted_at":  # which a PUT ignores
        assert the_problem(response)["loc"] == ["body", field]
    assert api("GET", f"/submissions/{made['id']}").json() == made
    response = api(
        "POST", "/submissions", json.dumps({**filled(NEW, cast.ids()), field: "x"}).replace('"x"', said).encode()
    )
    assert the_problem(response)["loc"] == ["body", field]


def test_content_beyond_the_limit_is_413(api, cast, settings):
    settings.SUBMISSION_BYTES_LIMIT = 1024
    content = {"cells": [{"cell_type": "markdown", "source": "é" * 600}]}
    response = api("POST", "/submissions", {**filled(NEW, cast.ids()), "notebook_content": content})
    assert response.status_code == 413
    assert response.json()["detail"].endswith("the maximum size is 1024 bytes")


def test_numbers_that_are_longer_when_written_out_are_counted_before_they_are(api, cast, settings, monkeypatch):
    """1e308 has five characters as sent and 309 digits in canonical JSON: 10 MB of them would be half a gigabyte."""
    settings.SUBMISSION_BYTES_LIMIT = 10_000
    written = []
    monkeypatch.setattr(notebook_content, "canonical", lambda value: written.append(value) or b"")
    content = {"cells": [], "metadata": {"x": [{"y": -1e308}] * 100}}
    response = api("POST", "/submissions", {**filled(NEW, cast.ids()), "notebook_content": content})
    assert response.status_code == 413
    assert not written


def test_post_answers_201_with_the_fields_and_defaults(hand_in):
    made = hand_in(colour="red")
    assert set(made) == FIELDS
    assert (made["status"], made["grade"], made["feedback"]) == ("submitted", None, None)
    assert (made["notebook_content"], made["content_sha256"]) == (None, None)
    age = datetime.now(UTC) - datetime.fromisoformat(made["submitted_at"])
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_everything_a_client_may_say_at_once(hand_in):
    fields = {
        "notebook_content": NOTEBOOK,
        "submitted_at": "2025-05-12T17:00:00",
        "status": "returned",
        "grade": 7,
        "feedback": "",
        "submission_comment": "Done",
    }
    made = hand_in(**fields)
    assert {name: made[name] for name in fields} == {**fields, "submitted_at": "2025-05-12T17:00:00Z", "grade": 7.0}


def test_the_receipt_is_the_hash_of_the_canonical_content(hand_in):
    content = {"metadata": {"b": 1.0, "a": "é"}, "cells": []}
    canonical = '{"cells":[],"metadata":{"a":"é","b":1}}'
    made = hand_in(notebook_content=content)
    assert made["content_sha256"] == hashlib.sha256(canonical.encode()).hexdigest()


def test_the_receipt_does_not_depend_on_spelling(api, hand_in):
    first = hand_in(notebook_content={"cells": [], "metadata": {"n": [1e2, 1e22, 0.1]}})
    second = hand_in(notebook_content={"metadata": {"n": [100, 10**22, 1e-1]}, "cells": []})
    again = hand_in(notebook_content=api("GET", f"/submissions/{first['id']}").json()["notebook_content"])
    assert first["content_sha256"] == second["content_sha256"] == again["content_sha256"]


@pytest.mark.parametrize(
    ("submitted_at", "is_late"),
    [
        ("2029-12-31T23:59:59Z", False),
        ("2030-01-01T00:00:00Z", False),
        ("2030-01-01T00:00:59.999999Z", False),
        ("2030-01-01T00:01:00Z", True),
    ],
)
def test_lateness_is_derived_from_the_due_date_which_is_a_whole_minute(hand_in, submitted_at, is_late):
    assert hand_in(submitted_at=submitted_at)["is_late"] is is_late


def test_without_a_due_date_nothing_is_late(cast, hand_in):
    assert hand_in(assignment_id=cast.traits.pk)["is_late"] is False


def test_attempts_are_counted_for_each_student_and_assignment(api, cast, hand_in):
    made = [hand_in(), hand_in(student_id=cast.ken.pk), hand_in(), hand_in(assignment_id=cast.traits.pk), hand_in()]
    assert [each["attempt"] for each in made] == [1, 1, 2, 1, 3]
    assert [each["attempt"] for each in api("GET", "/submissions?skip=2").json()] == [2, 1, 3]


def test_lists_are_filtered_and_ordered_by_id(api, cast, hand_in):
    first, kens, traits = hand_in(), hand_in(student_id=cast.ken.pk), hand_in(assignment_id=cast.traits.pk)

    def ids(query):
        return [each["id"] for each in api("GET", f"/submissions?{query}").json()]

    assert ids("") == [first["id"], kens["id"], traits["id"]]
    assert ids(f"assignment_id={cast.loops.pk}") == [first["id"], kens["id"]]
    assert ids(f"student_id={cast.hanako.pk}") == [first["id"], traits["id"]]
    assert ids(f"student_id={cast.hanako.pk}&assignment_id={cast.traits.pk}") == [traits["id"]]
    assert ids("email=KEN@example.com") == [kens["id"]]
    assert ids("skip=1&limit=1") == [kens["id"]]
    assert api("GET", "/submissions").json()[0] == first


def test_a_list_costs_one_query(api, hand_in, django_assert_num_queries):
    for _ in range(3):
        hand_in()
    with django_assert_num_queries(1):
        assert len(api("GET", "/submissions").json()) == 3


@pytest.mark.parametrize("query", ["assignment_id=x", "student_id=1.5", "limit=1001", "skip=-1", "email=%00"])
def test_a_bad_query_is_422(api, query):
    assert the_problem(api("GET", f"/submissions?{query}"))["loc"] == ["query", query.partition("=")[0]]


def test_put_is_partial_and_null_clears(api, cast, hand_in):
    made = hand_in(notebook_content=NOTEBOOK, submission_comment="Done")
    path = f"/submissions/{made['id']}"
    assert api("PUT", path, {}).json() == made
    ignored = {"submitted_at": "2001-01-01T00:00:00Z", "content_sha256": "x", "attempt": 9, "id": 5}
    assert api("PUT", path, ignored).json() == made
    graded = {"grade": 9.5, "feedback": "Good", "status": "graded"}
    assert api("PUT", path, graded).json() == {**made, **graded}
    moved = api("PUT", path, {"student_id": cast.ken.pk, "assignment_id": cast.traits.pk}).json()
    assert (moved["student_id"], moved["assignment_id"], moved["grade"]) == (cast.ken.pk, cast.traits.pk, 9.5)
    cleared = api("PUT", path, {"grade": None, "feedback": None, "notebook_content": None}).json()
    assert (cleared["grade"], cleared["feedback"], cleared["notebook_content"]) == (None, None, None)
    assert cleared["content_sha256"] is None
    assert api("GET", path).json() == cleared


def test_new_content_has_a_new_receipt(api, hand_in):
    made = hand_in(notebook_content=NOTEBOOK)
    changed = api("PUT", f"/submissions/{made['id']}", {"notebook_content": {"cells": []}}).json()
    assert changed["notebook_content"] == {"cells": []}
    assert changed["content_sha256"] not in (None, made["content_sha256"])


def test_delete_answers_with_the_submission(api, hand_in):
    made = hand_in(notebook_content=NOTEBOOK)
    deleted = api("DELETE", f"/submissions/{made['id']}")
    assert (deleted.status_code, deleted.json()) == (200, made)
    assert api("GET", f"/submissions/{made['id']}").status_code == 404


@pytest.mark.parametrize("path", ["/submissions/", "/v1/submissions", "/v1/submissions/"])
def test_every_form_of_the_path_takes_a_post(api, cast, path):
    assert api("POST", path, filled(NEW, cast.ids())).status_code == 201


def test_ids_in_the_path_are_integers(api):
    assert the_problem(api("PUT", "/submissions/x1", {})) == problem(["path", "submission_id"], "int_parsing")
