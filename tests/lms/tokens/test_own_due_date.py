"""What a student's token says of the student's own work: the later due date of an extension, what was ticked."""

from datetime import UTC, datetime, timedelta

import pytest

from lms.models import AssignmentSubmission, DueDateExtension, RubricItem, Student, StudentClass
from tests.lms.conftest import key_of
from tests.lms.tokens.conftest import device_of

pytestmark = pytest.mark.usefixtures("locked")

DUE = datetime(2030, 1, 1, tzinfo=UTC)  # of the cast's assignment
UNTIL = "2030-01-08T00:00:00Z"


def test_a_token_says_the_student_s_own_due_date(cast, ask):
    DueDateExtension.objects.create(assignment=cast.loops, student=cast.hanako, due_date=DUE + timedelta(days=7))
    jiro = Student.objects.create(email="jiro@example.com")
    StudentClass.objects.create(student=jiro, class_ref=cast.python)
    for email, due in (("hanako@example.com", UNTIL), ("jiro@example.com", "2030-01-01T00:00:00Z")):
        _, token = device_of(cast.python, email)
        assert ask("GET", "/me", token=token).json()["assignments"][0]["due_date"] == due
        assert ask("GET", "/assignments", token=token).json()[0]["due_date"] == due
        assert ask("GET", f"/assignments/{cast.loops.pk}", token=token).json()["due_date"] == due
        progress = ask("GET", f"/progress/assignment/{email}/{cast.loops.pk}", token=token)
        assert datetime.fromisoformat(progress.json()["progress"]["due_date"]) == datetime.fromisoformat(due)


def test_what_was_ticked_is_told_once_it_is_graded(cast, ask):
    _, token = device_of(cast.python, "hanako@example.com")
    items = [
        RubricItem.objects.create(assignment=cast.loops, position=at, text=text, points=points)
        for at, (text, points) in enumerate((("It runs", 6), ("Copied", -2)))
    ]
    work = AssignmentSubmission.objects.create(
        assignment=cast.loops, student=cast.hanako, ticked_items=[items[1].pk, 999_999]
    )

    def told():
        return ask("GET", "/me", token=token).json()["assignments"][0]["rubric"]

    assert told() == []
    AssignmentSubmission.objects.filter(pk=work.pk).update(grade=4)
    assert told() == [{"text": "Copied", "points": -2}]


def test_a_class_key_does_not_tell_who_has_one(cast, ask):
    DueDateExtension.objects.create(assignment=cast.loops, student=cast.hanako, due_date=DUE + timedelta(days=7))
    told = ask("GET", "/me?email=hanako@example.com", **{"X-Class-Key": key_of(cast.python, "key")}).json()
    assert told["assignments"][0]["due_date"] == "2030-01-01T00:00:00Z"
