"""docs/contract/http.md section 4: extensions of a due date."""

from datetime import UTC, datetime, timedelta

import pytest

from instructors.models import AuditLog
from lms.models import AssignmentSubmission, DueDateExtension, Student, StudentClass

pytestmark = pytest.mark.usefixtures("redis")

DUE = datetime(2030, 1, 1, tzinfo=UTC)  # of the cast's assignment
UNTIL = "2030-01-08T00:00:00Z"


@pytest.fixture
def path(cast):
    return f"/assignments/{cast.loops.pk}/extensions"


@pytest.fixture
def theirs(cast, path):
    return f"{path}/{cast.hanako.pk}"


def test_put_list_and_delete(api, cast, path, theirs):
    answer = api("PUT", theirs, {"due_date": UNTIL, "reason": "Ill"})
    assert answer.status_code == 200
    granted = answer.json()
    assert {**granted, "granted_at": None} == {
        "assignment_id": cast.loops.pk,
        "student_id": cast.hanako.pk,
        "due_date": UNTIL,
        "reason": "Ill",
        "granted_at": None,
    }
    assert api("GET", path).json() == [granted]
    assert api("PUT", theirs, {"due_date": "2030-01-09"}).json()["due_date"] == "2030-01-09T23:59:00Z"
    assert DueDateExtension.objects.count() == 1
    assert api("DELETE", theirs).status_code == 200
    assert api("GET", path).json() == []
    assert api("DELETE", theirs).status_code == 404
    actions = list(AuditLog.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["extension_grant", "extension_grant", "extension_withdraw"]


@pytest.mark.parametrize(
    "body", [{}, {"due_date": None}, {"due_date": "2030-01-01T00:00:00Z"}, {"due_date": "soon"}, {"due_date": 5}]
)
def test_what_is_refused(api, theirs, body):
    answer = api("PUT", theirs, body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "due_date"]
    assert not DueDateExtension.objects.exists()


def test_without_a_due_date(api, cast, theirs):
    type(cast.loops).objects.update(due_date=None)
    assert api("PUT", theirs, {"due_date": UNTIL}).status_code == 422


def test_a_student_of_another_class(api, cast, path):
    answer = api("PUT", f"{path}/{cast.ken.pk}", {"due_date": UNTIL})
    assert (answer.status_code, answer.json()) == (404, {"detail": f"Student with id {cast.ken.pk} not found"})


def test_submissions_are_late_by_the_student_s_own_date(api, cast, theirs):
    jiro = Student.objects.create(email="jiro@example.com")
    StudentClass.objects.create(student=jiro, class_ref=cast.python)
    hour_late = DUE + timedelta(hours=1)
    for student in (cast.hanako, jiro):
        AssignmentSubmission.objects.create(assignment=cast.loops, student=student, submitted_at=hour_late)
    api("PUT", theirs, {"due_date": UNTIL})
    found = {each["student_id"]: each["is_late"] for each in api("GET", "/submissions").json()}
    assert found == {cast.hanako.pk: False, jiro.pk: True}
