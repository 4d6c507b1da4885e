"""Requests for help, stored and announced: docs/contract/events.md section 3.2."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from events.models import HelpRequest
from events.processing import help_requests, notifications
from lms.access import EVERYTHING
from lms.models import Student
from tests.events.conftest import event

PAYLOADS = Path(__file__).parents[2] / "payloads" / "field"


@pytest.fixture
def heard(monkeypatch):
    """The help notices that dashboards would hear."""
    frames = []

    def publish(rows, notices, *, outside):
        frames.extend(frame.event for _, frame in notices if frame.event.startswith("help"))

    monkeypatch.setattr(notifications.broadcast, "publish", publish)
    return frames


def student() -> Student:
    return Student.objects.get()


@pytest.mark.parametrize("kind", ["help", "help_requested", "help_request"])
def test_request_raises_the_flag_once(event_pipeline, clock, heard, kind):
    for second in (0, 10, 20):
        event_pipeline.post(event(kind, eventTime=clock(second)))
    assert heard == ["help_request"]
    assert (student().is_requesting_help, student().help_requested_at) == (True, clock.at(0))
    assert student().last_help_at == clock.at(20)
    help_request = HelpRequest.objects.get()
    assert (help_request.asked_at, help_request.was_resent, help_request.ended_at) == (clock.at(0), True, None)
    assert (help_request.session_id, help_request.notebook_path) == ("session-1", "lesson/演習01.ipynb")


def test_stop_takes_it_down_once(event_pipeline, clock, heard):
    event_pipeline.post(event("help", eventTime=clock(0)))
    event_pipeline.post(event("help_stop", eventTime=clock(5)))
    event_pipeline.post(event("help_stop", eventTime=clock(6)))
    assert heard == ["help_request", "help_resolved"]
    assert not student().is_requesting_help
    help_request = HelpRequest.objects.get()
    assert (help_request.ending, help_request.ended_at) == ("stopped", clock.at(5))


def test_request_that_comes_after_its_stop_changes_nothing(event_pipeline, clock, heard):
    event_pipeline.post(event("help_stop", eventTime=clock(5)))
    event_pipeline.post(event("help", eventTime=clock(0)))
    assert heard == []
    assert not student().is_requesting_help


def test_on_off_on_are_two_requests_whether_together_or_apart(event_pipeline, clock, heard):
    signals = [("help", 0), ("help_stop", 2), ("help", 4)]
    event_pipeline.post(*(event(kind, eventTime=clock(second)) for kind, second in signals))
    assert student().help_requested_at == clock.at(4)
    event_pipeline.post(event("help_stop", eventTime=clock(5)), event("help", eventTime=clock(6)))
    assert heard == ["help_request", "help_resolved", "help_request"]
    assert student().is_requesting_help
    assert [help_request.ending for help_request in HelpRequest.objects.order_by("id")] == ["stopped", None]


def test_session_end_stops_it(event_pipeline, clock, heard):
    event_pipeline.post(event("help", eventTime=clock(0)))
    event_pipeline.post(event("session_end", eventTime=clock(5)))
    assert heard == ["help_request", "help_resolved"]


def test_dismissed_request_stays_down_through_its_re_sends(event_pipeline, clock, heard):
    event_pipeline.post(event("help", eventTime=clock(0)), event("help", eventTime=clock(10)))
    edges = help_requests.end_by_instructor(
        student().pk, scope=EVERYTHING, ending="dismissed", instructor_id=None, now=clock.at(12)
    )
    assert [edge.is_asking for edge in edges] == [False]
    for second in (20, 30, 40):
        event_pipeline.post(event("help", eventTime=clock(second)))
    assert not student().is_requesting_help
    event_pipeline.post(event("help_stop", eventTime=clock(44)))
    event_pipeline.post(event("help", eventTime=clock(46)))
    assert student().is_requesting_help
    assert heard == ["help_request", "help_request"]


def test_dismissing_twice_is_harmless(event_pipeline, clock):
    event_pipeline.post(event("help", eventTime=clock(0)))
    for _ in range(2):
        help_requests.end_by_instructor(
            student().pk, scope=EVERYTHING, ending="dismissed", instructor_id=None, now=clock.at(12)
        )
    assert HelpRequest.objects.get().ended_at == clock.at(12)


def test_help_elsewhere_after_a_dismissal_does_not_bring_the_dismissed_back(event_pipeline, clock):
    event_pipeline.post(event("help", eventTime=clock(0)), event("help", eventTime=clock(10)))
    help_requests.end_by_instructor(
        student().pk, scope=EVERYTHING, ending="dismissed", instructor_id=None, now=clock.at(12)
    )
    event_pipeline.post(event("help", eventTime=clock(15), notebookPath="b.ipynb"))
    event_pipeline.post(event("help", eventTime=clock(25), notebookPath="b.ipynb"))
    assert student().help_requested_at == clock.at(15)


@pytest.mark.parametrize(
    ("seconds", "re_sends", "over"), [(299, 0, False), (301, 0, True), (44, 1, False), (46, 1, True)]
)
def test_silence_ends_it(event_pipeline, seconds, re_sends, over):
    event_pipeline.post(*(event("help") for _ in range(1)))
    for _ in range(re_sends):
        event_pipeline.post(event("help"))
    last = HelpRequest.objects.get().last_heard_at
    edges = help_requests.expire_requests(now=last + timedelta(seconds=seconds))
    assert bool(edges) is over
    assert student().is_requesting_help is not over
    assert HelpRequest.objects.get().ending == ("expired" if over else None)


def test_two_students_at_once(event_pipeline, clock, heard):
    event_pipeline.post(
        event("help", eventTime=clock(0)),
        event("help", eventTime=clock(0), emailAddress="taro@example.com"),
        event("help_stop", eventTime=clock(1)),
    )
    assert heard == ["help_request"]
    assert [s.email for s in Student.objects.filter(is_requesting_help=True)] == ["taro@example.com"]


def test_an_end_of_another_session_clears_nothing(event_pipeline):
    """As it was sent: a second computer that is switched off while the first asks."""
    sent = json.loads((PAYLOADS / "w10_end_of_another_session.json").read_text())
    event_pipeline.post(*sent)
    assert student().is_requesting_help
    event_pipeline.post(event("help_stop", emailAddress="end@example.com", sessionId="pcB"))
    assert student().is_requesting_help
    event_pipeline.post(event("help_stop", emailAddress="end@example.com", sessionId="pcA"))
    assert not student().is_requesting_help
    assert HelpRequest.objects.get().ending == "stopped"


def test_a_second_computer_with_another_clock_keeps_the_request_open(event_pipeline, clock):
    now = datetime.now(UTC)
    event_pipeline.post(event("help", sessionId="A", eventTime=now.isoformat()))
    behind = (now - timedelta(hours=1)).isoformat()
    event_pipeline.post(event("help", sessionId="B", eventTime=behind))
    event_pipeline.post(event("help_stop", sessionId="A", eventTime=(now + timedelta(seconds=1)).isoformat()))
    assert student().is_requesting_help
    assert HelpRequest.objects.get().session_id == "B"


def test_a_clock_that_is_set_right_hides_no_request(event_pipeline):
    now = datetime.now(UTC)
    ahead = now + timedelta(minutes=4)
    event_pipeline.post(event("help", eventTime=ahead.isoformat()))
    event_pipeline.post(event("help_stop", eventTime=(ahead + timedelta(seconds=1)).isoformat()))
    event_pipeline.post(event("help", eventTime=(now + timedelta(seconds=2)).isoformat()))
    assert student().is_requesting_help
