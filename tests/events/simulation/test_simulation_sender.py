"""Events travel as the extension sends them: one a POST, tried again on trouble, counted whatever happens."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import pytest

from events.simulation.classroom import Classroom
from events.simulation.connections import ConnectionPool
from events.simulation.records import Event
from events.simulation.sender import Sender, spread
from events.simulation.students import make_class
from tests.events.receiver import listening

START = datetime(2026, 4, 7, 1, 0, tzinfo=UTC)


def classroom(*, count: int, rate: float = 0.025, start: datetime = START) -> Classroom:
    students = make_class(count=count, language="mixed", rng=Random(1))
    return Classroom(students=students, rate=rate, seed=1, start=start)


def event(**more: str) -> Event:
    return next(classroom(count=1).timeline(until=None))[1] | more


async def test_an_event_goes_out_as_an_array_of_one_on_a_kept_connection():
    with listening() as server:
        pool = ConnectionPool(url=server.url, key="k/1&")
        sender = Sender(pool=pool, jitter=False)
        for _ in range(3):
            await sender.send(event())
        await pool.close()
    assert [json.loads(body) for body in server.bodies] == [[event()]] * 3
    assert server.headers[0]["content-type"] == "application/json"
    assert server.paths[0] == "/api/v1/events?key=k%2F1%26"
    assert server.connections == 1
    assert (sender.tally.accepted, sender.tally.answers) == (3, {"202": 3})


@pytest.mark.parametrize("trouble", [500, 503, 0])
async def test_trouble_is_tried_again_with_the_same_event_id(trouble):
    with listening() as server:
        server.statuses = [trouble, trouble]
        pool = ConnectionPool(url=server.url)
        sender = Sender(pool=pool, jitter=False, retry_delays=(0.01, 0.01, 0.01))
        await sender.send(event())
        await pool.close()
    assert len({json.loads(body)[0]["eventId"] for body in server.bodies}) == 1
    assert len(server.bodies) == 3
    assert (sender.tally.accepted, sender.tally.failed, sender.tally.retries) == (1, 0, 2)


async def test_after_four_tries_it_is_given_up():
    with listening() as server:
        server.status = 500
        pool = ConnectionPool(url=server.url)
        sender = Sender(pool=pool, jitter=False, retry_delays=(0.01, 0.01, 0.01))
        await sender.send(event())
        await pool.close()
    assert len(server.bodies) == 4
    assert (sender.tally.failed, sender.tally.retries) == (1, 3)


@pytest.mark.parametrize("status", [400, 401, 413, 422, 429])
async def test_a_refusal_is_not_tried_again(status):
    with listening() as server:
        server.status = status
        pool = ConnectionPool(url=server.url)
        sender = Sender(pool=pool, jitter=False)
        await sender.send(event())
        await pool.close()
    assert len(server.bodies) == 1
    assert sender.tally.refused == 1


async def test_a_connection_the_server_closed_meanwhile_costs_no_retry():
    with listening() as server:
        pool = ConnectionPool(url=server.url)
        sender = Sender(pool=pool, jitter=False)
        await sender.send(event())
        server.statuses = [0]
        await sender.send(event())
        await pool.close()
    assert (sender.tally.accepted, sender.tally.retries, server.connections) == (2, 0, 2)


def test_posts_are_spread_over_two_seconds():
    waits = [spread(event) for _, event in islice(classroom(count=50).timeline(until=None), 2000)]
    assert 0.2 <= min(waits) < 0.3
    assert 2.1 < max(waits) <= 2.2


async def test_a_class_posts_what_its_timeline_says():
    start = datetime.now(UTC) - timedelta(minutes=5)  # all of it is due already
    with listening() as server:
        pool = ConnectionPool(url=server.url)
        sender = Sender(pool=pool, jitter=False)
        room = classroom(count=5, rate=0.2, start=start)
        await room.run(sender=sender, until=start + timedelta(minutes=3))
        assert await room.finish() == 0
        await pool.close()
    expected = [e for _, e in classroom(count=5, rate=0.2, start=start).timeline(until=start + timedelta(minutes=3))]
    assert sorted(json.loads(body)[0]["eventId"] for body in server.bodies) == sorted(e["eventId"] for e in expected)
    assert sender.tally.accepted == len(expected) > 50


async def test_addresses_that_are_none_are_refused():
    with pytest.raises(ValueError, match="must look like"):
        ConnectionPool(url="127.0.0.1:8000")
