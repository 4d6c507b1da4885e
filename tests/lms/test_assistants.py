"""Assistants see and help: whatever sets up a class over the API is refused them, and says why."""

import pytest

from instructors.models import Instructor
from lms.models import Class, ClassStaff
from tests.lms.conftest import filled

pytestmark = pytest.mark.usefixtures("redis", "locked")

WHY = {"detail": "Assistants see and help in this class; only its instructors may change it"}
SETS_UP = [
    ("PUT", "/classes/{python}", {"name": "Mine"}),
    ("PUT", "/classes/{python}", {}),
    ("DELETE", "/classes/{python}", None),
    ("POST", "/assignments", {"class_id": "{python}", "notebook_id": "{notebook}", "title": "New"}),
    ("PUT", "/assignments/{loops}", {"title": "Mine"}),
    ("PUT", "/assignments/{loops}", {"class_id": "{rust}"}),
    ("DELETE", "/assignments/{loops}", None),
]
SEES = ["/classes/{python}", "/assignments/{loops}", "/students/{hanako}", "/classes", "/assignments", "/submissions"]


@pytest.fixture
def assistant(cast) -> Instructor:
    """Suzuki, who teaches Rust, assists in Python."""
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.suzuki, role="assistant")
    return cast.suzuki


@pytest.mark.parametrize(("method", "path", "body"), SETS_UP)
def test_an_assistant_sets_nothing_up(api, cast, assistant, method, path, body):
    response = api(method, path.format(**cast.ids()), filled(body, cast.ids()), user=assistant)
    assert (response.status_code, response.json()) == (403, WHY)
    assert Class.objects.get(pk=cast.python.pk).name == "Python"


@pytest.mark.parametrize("path", SEES)
def test_an_assistant_sees_the_class(api, cast, assistant, path):
    assert api("GET", path.format(**cast.ids()), user=assistant).status_code == 200


def test_an_assistant_moves_no_assignment_into_the_class(api, cast, assistant):
    response = api("PUT", f"/assignments/{cast.traits.pk}", {"class_id": cast.python.pk}, user=assistant)
    assert (response.status_code, response.json()) == (403, WHY)


def test_a_co_instructor_sets_up(api, cast):
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.suzuki, role="instructor")
    assert api("PUT", f"/classes/{cast.python.pk}", {"name": "Ours"}, user=cast.suzuki).status_code == 200


def test_where_nobody_logs_in_nobody_is_an_assistant(api, cast, assistant, settings):
    settings.API_REQUIRE_AUTH = False
    assert api("PUT", f"/classes/{cast.python.pk}", {"name": "X"}, user=assistant).status_code == 200


# --- Accounts that were made to assist (role `assistant`) ------------------------------------------------------------


@pytest.fixture
def helper(cast) -> Instructor:
    made = Instructor.objects.create(email="helper@school.example", name="Helper", password="!", role="assistant")
    ClassStaff.objects.create(class_ref=cast.python, instructor=made, role="assistant")
    return made


def test_such_an_account_makes_no_class(api, helper):
    response = api("POST", "/classes", {"name": "Go", "class_code": "GO"}, user=helper)
    assert (response.status_code, response.json()) == (403, {"detail": "Assistants make no classes; ask an instructor"})


PERSON = {"email": "new@school.example", "name": "New", "password": "password123"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/instructors", PERSON),
        ("PUT", "/instructors/{sato}", {"name": "X"}),
        ("PUT", "/instructors/{helper}", {"role": "instructor"}),
        ("DELETE", "/instructors/{sato}", None),
        ("PUT", "/instructor_status/{sato}", {"status": "break"}),
    ],
)
def test_it_manages_nobody(api, cast, helper, method, path, body):
    response = api(method, path.format(sato=cast.sato.pk, helper=helper.pk), body, user=helper)
    assert response.status_code == 403
    assert response.json()["detail"].startswith("Not enough permissions")
    helper.refresh_from_db()
    assert helper.role == "assistant"


def test_it_sets_its_own_status(api, helper):
    assert api("PUT", f"/instructor_status/{helper.pk}", {"status": "break"}, user=helper).status_code == 200


def test_of_several_statuses_it_sets_only_its_own(api, cast, helper):
    updates = [{"instructor_id": pk, "status": "break"} for pk in (helper.pk, cast.sato.pk)]
    response = api("POST", "/instructor_status/bulk", {"updates": updates}, user=helper)
    assert response.status_code == 207
    assert [entry["success"] for entry in response.json()["results"]] == [True, False]


def test_it_reads_who_there_is(api, helper):
    assert api("GET", "/instructors", user=helper).status_code == 200
