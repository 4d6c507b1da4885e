"""GET /submissions?content=0: docs/contract/http.md section 5."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lms.models import AssignmentSubmission
from tests.lms.conftest import problem, the_problem
from tests.lms.test_contract_submissions import NOTEBOOK

pytestmark = pytest.mark.usefixtures("redis")


@pytest.fixture
def stored(cast):
    for content, sha256 in ((NOTEBOOK, "a" * 64), (None, None)):
        AssignmentSubmission.objects.create(
            assignment=cast.loops, student=cast.hanako, notebook_content=content, content_sha256=sha256
        )


@pytest.mark.parametrize("value", ["0", "false"])
def test_notebooks_are_left_out_and_not_read(api, stored, value):
    with CaptureQueriesContext(connection) as queries:
        found = api("GET", f"/submissions?content={value}").json()
    assert [(each["notebook_content"], each["content_sha256"]) for each in found] == [(None, "a" * 64), (None, None)]
    assert not any('"notebook_content"' in query["sql"] for query in queries)
    assert AssignmentSubmission.objects.exclude(notebook_content=None).count() == 1


@pytest.mark.parametrize("query", ["", "?content=1"])
def test_else_they_are_there(api, stored, query):
    assert [each["notebook_content"] for each in api("GET", f"/submissions{query}").json()] == [NOTEBOOK, None]


def test_other_fields_are_the_same(api, stored):
    whole, without = (api("GET", f"/submissions?content={value}").json() for value in "10")
    assert [{**each, "notebook_content": None} for each in whole] == without


def test_value_that_is_no_boolean(api):
    assert the_problem(api("GET", "/submissions?content=x")) == problem(["query", "content"], "bool_parsing")
