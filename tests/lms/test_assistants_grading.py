"""An assistant sees what is handed in and may hand in for a student; grading is for who teaches the class."""

import pytest

from lms.models import AssignmentSubmission, ClassStaff
from tests.lms.conftest import filled

pytestmark = pytest.mark.usefixtures("redis", "locked")

HAND_IN = {"assignment_id": "{loops}", "student_id": "{hanako}", "submission_comment": "on paper"}
REFUSED = 403


@pytest.fixture
def handed_in(cast):
    return AssignmentSubmission.objects.create(assignment=cast.loops, student=cast.hanako)


@pytest.fixture
def assistant(cast):
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.suzuki, role="assistant")
    return cast.suzuki


def test_an_assistant_sees(api, assistant, handed_in):
    assert api("GET", f"/submissions/{handed_in.pk}", user=assistant).status_code == 200
    assert [row["id"] for row in api("GET", "/submissions", user=assistant).json()] == [handed_in.pk]


def test_an_assistant_hands_in_for_a_student(api, cast, assistant):
    assert api("POST", "/submissions", filled(HAND_IN, cast.ids()), user=assistant).status_code == 201


@pytest.mark.parametrize(
    "fields", [{"grade": 5}, {"status": "graded"}, {"feedback": "x"}, {"submitted_at": "2025-01-01T00:00Z"}]
)
def test_an_assistant_hands_in_nothing_graded(api, cast, assistant, fields):
    answer = api("POST", "/submissions", {**filled(HAND_IN, cast.ids()), **fields}, user=assistant)
    assert answer.status_code == REFUSED
    assert "Assistants" in answer.json()["detail"]
    assert not AssignmentSubmission.objects.exists()


@pytest.mark.parametrize("changes", [{"grade": 5}, {"status": "returned"}, {"feedback": "x"}, {}])
def test_an_assistant_does_not_grade(api, assistant, handed_in, changes):
    assert api("PUT", f"/submissions/{handed_in.pk}", changes, user=assistant).status_code == REFUSED
    handed_in.refresh_from_db()
    assert (handed_in.grade, handed_in.status, handed_in.feedback) == (None, "submitted", None)


def test_an_assistant_deletes_nothing(api, assistant, handed_in):
    assert api("DELETE", f"/submissions/{handed_in.pk}", user=assistant).status_code == REFUSED
    assert AssignmentSubmission.objects.filter(pk=handed_in.pk).exists()


def test_a_submission_is_not_moved_into_a_class_where_one_assists(api, cast, assistant):
    """Suzuki teaches Rust and assists in Python."""
    work = AssignmentSubmission.objects.create(assignment=cast.traits, student=cast.ken)
    moved = {"assignment_id": cast.loops.pk, "grade": 5}
    assert api("PUT", f"/submissions/{work.pk}", moved, user=assistant).status_code == REFUSED
    assert (
        api("PUT", f"/submissions/{work.pk}", {"assignment_id": cast.loops.pk}, user=assistant).status_code == REFUSED
    )
    assert api("PUT", f"/submissions/{work.pk}", {"grade": 5}, user=assistant).status_code == 200


def test_co_instructors_grade(api, cast, handed_in):
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.suzuki, role="instructor")
    assert api("PUT", f"/submissions/{handed_in.pk}", {"grade": 5}, user=cast.suzuki).status_code == 200
