"""Rows for dashboards: buffered and encoded once for all that see the same, the newest row of each student for each."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from realtime import row_feeds
from realtime.row_feeds import MAX_RUNS, RowFeed, RowFeeds
from tests.classroom.sockets.test_dashboard_socket import row


class RowSubscriber:
    def __init__(self, *, with_runs: bool = False) -> None:
        self.accepted = self.is_read = True
        self.with_runs = with_runs
        self.texts: list[str] = []

    def adapt(self, name: str, text: str) -> str:
        return text

    def send_text(self, text: str) -> None:
        self.texts.append(text)

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(text) for text in self.texts]

    def totals(self) -> list[dict[int, int]]:
        """The totals by student, frame by frame."""
        return [
            {each["studentId"]: each["cellExecutions"] for each in frame["data"]}
            for frame in self.frames
            if frame["type"] == "progress_update"
        ]


class Flattening(RowSubscriber):
    def adapt(self, name: str, text: str) -> str:
        return f"{name}: flat"


RUN = {"cellId": "c", "executionTime": 0.1, "success": True, "timestamp": "2026-01-01T00:00:00.000Z"}


def feed_of(*subscribers: RowSubscriber) -> RowFeed:
    feed = RowFeed()
    feed.subscribers.update(subscribers)
    return feed


def test_equal_dashboards_are_sent_the_same_text():
    first, second = RowSubscriber(), RowSubscriber()
    feed = feed_of(first, second)
    feed.add([row(1), row(2)])
    feed.send()
    assert first.texts[0] is second.texts[0]
    assert first.totals() == [{1: 1, 2: 1}]


def test_each_kind_of_socket_gets_its_own_form():
    plain, with_runs, flat = RowSubscriber(), RowSubscriber(with_runs=True), Flattening()
    feed = feed_of(plain, with_runs, flat)
    feed.add_runs([(1, RUN)])
    feed.add([row(1)])
    feed.send()
    assert [frame["type"] for frame in plain.frames] == ["progress_update"]
    assert [frame["type"] for frame in with_runs.frames] == ["progress_update", "cell_execution"]
    assert flat.texts == ["progress_update: flat"]


def test_a_run_comes_with_the_row_that_counts_it_and_once():
    subscriber = RowSubscriber(with_runs=True)
    feed = feed_of(subscriber)
    feed.add_runs([(1, RUN)])
    feed.add([row(2)])
    feed.send()
    assert [frame["type"] for frame in subscriber.frames] == ["progress_update"]
    for _ in range(2):
        feed.add([row(1)])
        feed.send()
    assert [frame["type"] for frame in subscriber.frames].count("cell_execution") == 1


def test_of_many_runs_some_are_left_out():
    subscriber = RowSubscriber(with_runs=True)
    feed = feed_of(subscriber)
    feed.add_runs([(number, RUN) for number in range(100)])
    feed.add([row(number) for number in range(100)])
    feed.send()
    assert [frame["type"] for frame in subscriber.frames].count("cell_execution") == MAX_RUNS
    assert len(subscriber.totals()[0]) == 100


def test_who_is_behind_gets_fewer_frames_and_never_old_ones_and_holds_up_nobody():
    quick, slow = RowSubscriber(), RowSubscriber()
    feed = feed_of(quick, slow)
    slow.is_read = False
    for runs in (1, 2, 3):
        feed.add([row(1, runs=runs), row(10 + runs)])
        feed.send()
    assert len(quick.totals()) == 3
    assert slow.texts == []
    assert feed.is_waiting
    slow.is_read = True
    feed.send()
    assert slow.totals() == [{1: 3, 11: 1, 12: 1, 13: 1}]
    assert not feed.is_waiting
    feed.add([row(1, runs=4)])
    feed.send()
    assert slow.totals()[-1] == quick.totals()[-1] == {1: 4}


def test_who_has_gone_is_forgotten_and_who_is_not_accepted_yet_hears_nothing():
    feeds = RowFeeds()
    gone, early = RowSubscriber(), RowSubscriber()
    gone.is_read, early.accepted = False, False
    feeds.add_subscriber(gone, ["class.1"])
    feeds.add_subscriber(early, ["class.1", "class.2"])
    assert feeds.groups == {"class.1", "class.2"}
    feeds.remove_subscriber(gone)
    assert feeds.groups == {"class.1", "class.2"}
    feeds.receive({"type": "rows", "group": "class.2", "rows": [row(1)]})
    feeds.remove_subscriber(early)
    assert feeds.groups == set()
    assert early.texts == []


async def run_for(feeds: RowFeeds, seconds: float) -> None:
    task = asyncio.create_task(feeds.repeat())
    await asyncio.sleep(seconds)
    task.cancel()


async def test_a_dashboard_hears_its_groups_alone():
    feeds = RowFeeds()
    one, both = RowSubscriber(), RowSubscriber()
    feeds.add_subscriber(one, ["class.1"])
    feeds.add_subscriber(both, ["class.1", "class.2"])
    for number in (1, 2, 3):
        feeds.receive({"type": "rows", "group": f"class.{number}", "rows": [row(number)]})
    await run_for(feeds, 0.02)
    assert one.totals() == [{1: 1}]
    assert both.totals() == [{1: 1, 2: 1}]


@pytest.mark.parametrize(("seconds_a_frame", "most"), [(0.0, 11), (0.05, 4)])
async def test_what_costs_time_is_sent_less_often_and_its_delay_ends(monkeypatch, seconds_a_frame, most):
    """Whatever the number of rows: half a second of changes every 10 ms, then silence."""
    send = RowFeed.send

    def slowly(feed: RowFeed) -> None:
        time.sleep(seconds_a_frame)
        send(feed)

    monkeypatch.setattr(row_feeds.RowFeed, "send", slowly)
    feeds, subscriber = RowFeeds(), RowSubscriber()
    feeds.add_subscriber(subscriber, ["class.1"])
    task = asyncio.create_task(feeds.repeat())
    until = time.monotonic() + 0.5
    runs = 0
    while time.monotonic() < until:
        runs += 1
        feeds.receive({"type": "rows", "group": "class.1", "rows": [row(pk, runs=runs) for pk in range(300)]})
        await asyncio.sleep(0.01)
    assert 1 <= len(subscriber.totals()) <= most
    await asyncio.sleep(0.4)
    assert subscriber.totals()[-1] == dict.fromkeys(range(300), runs)
    assert not any(feed.is_waiting for feed in feeds._feeds.values())
    task.cancel()
