"""The question in the inbox, and `/me/question`: a student's answer, theirs alone, once."""

from datetime import UTC, datetime, timedelta

import pytest

from classroom.privacy.stored import stored_rows
from classroom.questions.models import StuckQuestion
from events.models import HelpRequest
from lms.credential_holders import holder_of_token
from lms.models import Class, StudentClass
from operations.retention import kinds
from tests.lms.tokens.conftest import device_of

pytestmark = pytest.mark.usefixtures("locked")


@pytest.fixture
def token(cast) -> str:
    return device_of(cast.python, "hanako@example.com")[1]


@pytest.fixture
def question(cast) -> StuckQuestion:
    at = datetime.now(UTC) - timedelta(minutes=1)
    return StuckQuestion.objects.create(student=cast.hanako, class_ref=cast.python, asked_at=at, probability=0.5)


@pytest.fixture
def inbox(ask, token):
    return lambda: ask("GET", "/me/inbox", token=token).json()


def test_it_is_in_the_inbox_until_it_is_answered(ask, token, question, inbox):
    told = inbox()["question"]
    assert told["id"] == question.pk
    assert datetime.fromisoformat(told["until"]) - datetime.fromisoformat(told["asked_at"]) == timedelta(minutes=5)
    answer = ask("POST", "/me/question", {"id": question.pk, "answer": "fine"}, token=token)
    assert (answer.status_code, answer.json()["answer"]) == (200, "fine")
    assert inbox()["question"] is None
    question.refresh_from_db()
    assert question.answered_at is not None


def test_not_when_it_is_old_nor_while_they_ask_for_help(cast, question, inbox):
    at = datetime.now(UTC)
    request = HelpRequest.objects.create(
        student=cast.hanako, class_id=cast.python.pk, asked_at=at, last_asked_at=at, last_heard_at=at
    )
    assert inbox()["question"] is None
    request.delete()
    assert inbox()["question"]["id"] == question.pk
    StuckQuestion.objects.update(asked_at=at - timedelta(minutes=6))
    assert inbox()["question"] is None


def test_a_late_answer_counts_and_the_same_may_come_twice(ask, token, question):
    StuckQuestion.objects.update(asked_at=datetime.now(UTC) - timedelta(hours=1))
    first = ask("POST", "/me/question", {"id": question.pk, "answer": "yes"}, token=token)
    again = ask("POST", "/me/question", {"id": question.pk, "answer": "yes"}, token=token)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    other = ask("POST", "/me/question", {"id": question.pk, "answer": "fine"}, token=token)
    assert (other.status_code, other.json()["detail"]) == (409, "This question was answered before")


def test_never_switches_it_off_and_the_switch_on_again(cast, ask, token, question):
    Class.objects.filter(pk=cast.python.pk).update(asks_if_stuck=True)
    ask("POST", "/me/question", {"id": question.pk, "answer": "never"}, token=token)
    mine = StudentClass.objects.get(student=cast.hanako, class_ref=cast.python)
    assert mine.may_be_asked is False
    assert ask("GET", "/me", token=token).json()["questions"] == {"is_on": True, "may_be_asked": False}
    answer = ask("PUT", "/me/question", {"may_be_asked": True}, token=token)
    assert (answer.status_code, answer.json()) == (200, {"is_on": True, "may_be_asked": True})
    mine.refresh_from_db()
    assert mine.may_be_asked is True


@pytest.mark.parametrize(
    ("body", "status"),
    [({"id": "{id}", "answer": "perhaps"}, 422), ({"id": "{id}"}, 422), ({"answer": "fine"}, 422), ([], 422),
     ({"id": 10**12, "answer": "fine"}, 404)],
)  # fmt: skip
def test_refusals(ask, token, question, body, status):
    if isinstance(body, dict) and body.get("id") == "{id}":
        body = {**body, "id": question.pk}
    assert ask("POST", "/me/question", body, token=token).status_code == status
    question.refresh_from_db()
    assert question.answer is None


def test_a_classmate_cannot_answer(cast, ask, question):
    _, jiro = device_of(cast.python, "jiro@example.com")
    assert ask("POST", "/me/question", {"id": question.pk, "answer": "fine"}, token=jiro).status_code == 404
    assert ask("GET", "/me/inbox", token=jiro).json()["question"] is None


def test_it_is_in_the_copy_of_the_student_and_goes_with_the_student(cast, token, question):
    (part,) = [each for each in stored_rows(holder_of_token(token)) if each.name == "questions"]
    assert part.rows.values(*part.columns).get()["probability"] == 0.5
    cast.hanako.delete()
    assert not StuckQuestion.objects.exists()


def test_it_is_pruned_with_the_events(question):
    (events,) = [kind for kind in kinds() if kind.name == "events"]
    later = datetime.now(UTC) + timedelta(days=1)
    assert sum(rows.filter(pk=question.pk).count() for rows in events.rows(later) if rows.model is StuckQuestion) == 1
