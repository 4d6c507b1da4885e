"""“Are you stuck?”: shown until it is answered or too old, and every answer reaches the product once."""

import pytest

from cell_monitor_lab.questions import Questions
from cell_monitor_lab.sender import NotReady, Route
from cell_monitor_lab.settings import Settings
from cell_monitor_lab.texts import say

ASKED = {"id": 4, "asked_at": "2026-11-29T10:00:00.000Z", "until": "2026-11-29T10:05:00.000Z"}
ADDRESS = ("POST", "/api/v1/me/question")


@pytest.fixture
def settings():
    return Settings(None)


@pytest.fixture
def questions(stub, settings):
    route = Route(stub.url, {"Authorization": "Student t"}, "monitor")
    return Questions(lambda: route, settings)


def told(stub):
    return [value for method, path, _, value in stub.requests if (method, path) == ADDRESS]


def test_it_is_shown_until_its_time_is_over(questions):
    questions.take(ASKED, 1000.0)
    assert questions.current(1299.0) == {"id": 4, "asked_at": ASKED["asked_at"]}
    questions.take(ASKED, 1290.0)  # the same again: its time goes on
    assert questions.current(1301.0) is None


@pytest.mark.parametrize("value", [None, {}, {"id": "x"}, {"id": None}, 5, "yes"])
def test_the_product_takes_it_back_and_nonsense_is_none(questions, value):
    questions.take(ASKED, 1000.0)
    questions.take(value, 1001.0)
    assert questions.current(1002.0) is None


def test_odd_times_are_five_minutes(questions):
    questions.take({"id": 4, "asked_at": "soon", "until": None}, 1000.0)
    assert questions.current(1299.0) == {"id": 4, "asked_at": "soon"}
    assert questions.current(1301.0) is None


def test_an_answer_is_told_once_and_the_question_stays_away(questions, stub):
    stub.answers[ADDRESS] = (200, {})
    questions.take(ASKED, 1000.0)
    questions.answered(4, "fine")
    assert questions.current(1001.0) is None
    questions.tell()
    questions.tell()
    assert told(stub) == [{"id": 4, "answer": "fine"}]
    questions.take(ASKED, 1002.0)  # an answer that was on its way
    assert questions.current(1003.0) is None


@pytest.mark.parametrize("status", [500, 503, 401, 403, 429])
def test_what_cannot_be_told_now_is_told_later(questions, stub, settings, status):
    stub.answers[ADDRESS] = (status, {})
    questions.answered(4, "yes")
    questions.tell_quietly()
    assert settings.get("answers") == [{"id": 4, "answer": "yes"}]
    stub.answers[ADDRESS] = (200, {})
    questions.tell_quietly()
    assert settings.get("answers") is None
    assert told(stub) == [{"id": 4, "answer": "yes"}] * 2


@pytest.mark.parametrize("status", [404, 409, 422])
def test_what_is_refused_is_given_up(questions, stub, settings, status):
    stub.answers[ADDRESS] = (status, {})
    questions.answered(4, "never")
    questions.tell()
    assert settings.get("answers") is None


def test_without_a_product_it_waits(settings):
    def not_ready() -> Route:
        raise NotReady(say("not-configured"), 1.0)

    questions = Questions(not_ready, settings)
    questions.answered(4, "fine")
    questions.tell_quietly()
    assert settings.get("answers") == [{"id": 4, "answer": "fine"}]
