"""The master of the Valkeys is killed in the middle of a lesson, and the sentinels make a replica the master."""

import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from core.redis import client_of, why_no_master
from tests.faults.classroom import Classroom
from tests.faults.dashboard import Dashboard
from tests.faults.truth import judge, unrest
from tests.faults.valkeys import NAME, Sentinels
from tests.servers import scratch_directory, wait_until

BACK = 15.0  # seconds from a new master to everything at work


@pytest.fixture
def sentinels() -> Iterator[Sentinels]:
    with scratch_directory() as directory:
        made = Sentinels(directory=directory)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def test_a_failover_loses_nothing_and_needs_no_hand(sentinels, start_live_system):
    settings = {"REDIS_URL": sentinels.url, "EVENT_REPLICAS": "1", "EVENT_SHARDS": "4", "RATE_LIMITS": "0"}
    system = start_live_system(workers=2, **settings)
    room = Classroom(url=system.url, seed=1, students=20, rate=30.0)
    try:
        with Dashboard(system.url) as dashboard, room:
            wait_until(lambda: len(room.accepted) > 60, seconds=60, what=f"sixty events {room.answers}")
            wait_until(lambda: dashboard.heard, what="a row at the dashboard")
            former = sentinels.kill_master()
            took = sentinels.wait_for_failover(former)
            failed_over = time.monotonic()
            accepted = len(room.accepted)
            wait_until(lambda: len(room.accepted) > accepted + 30, seconds=BACK, what="thirty events more")
            wait_until(lambda: rows(system) > accepted, seconds=BACK, what="rows of events after the failover")
            wait_until(lambda: dashboard.heard > failed_over, seconds=BACK, what="a row after the failover")
            back = time.monotonic() - failed_over
            assert back < BACK
            assert not dashboard.is_closed
            health = httpx.get(f"{system.url}/api/v1/health").json()
            redis = health["services"]["redis"]
            assert (redis["status"], redis["role"], redis["replicas"]) == ("healthy", "master", 1), redis
        assert set(room.answers) <= {"202", "503", "timeout"}, room.answers
        assert room.answers["503"], f"nobody noticed: {room.answers}"
        assert f"know no master called 'lesson', but {NAME}" in why_no_master(sentinels.url.replace(NAME, "lesson"))
        check(system, sentinels, room)
        refuse_without_replicas(system, sentinels, room)
        check(system, sentinels, room)
        print(f"another master after {took:.1f} s, everything at work {back:.1f} s later; {dict(room.answers)}")  # noqa: T201
    except AssertionError as error:
        raise AssertionError(f"{error}\n{system.logs()}\n{sentinels.tails()}") from None
    finally:
        system.stop()


def refuse_without_replicas(system, sentinels, room) -> None:
    """The event is stored, and its sender is told to send it again: a failover now could lose it."""
    event = room.event("cell_executed")
    room.sent[event["eventId"]] = event
    master = sentinels.master()
    others = [node for node in sentinels.servers if node is not master]
    for node in others:
        node.kill()
    answer = httpx.post(f"{system.url}/api/v1/events", json=[event])
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "2"), answer.text
    before = rows(system)
    for node in others:
        node.start()

    def is_taken() -> bool:
        return httpx.post(f"{system.url}/api/v1/events", json=[event]).status_code == 202

    wait_until(is_taken, what="202 with a replica")
    room.accepted[event["eventId"]] = 0.0
    assert rows(system) - before in (0, 1)


def rows(system) -> int:
    with psycopg.connect(system.database_url) as link:
        return judge(link, []).rows


def check(system, sentinels, room) -> None:
    """Nothing is lost, doubled or wrong. Waits for the end of the backlog."""
    found: list[str] = []

    def rests() -> bool:
        with client_of(sentinels.url, socket_timeout=2) as link:
            found[:] = unrest(link, now=time.time())
        return not found

    wait_until(rests, seconds=60, what="rest")
    with psycopg.connect(system.database_url) as database:
        verdict = judge(database, [room])
    assert verdict.is_good, verdict
