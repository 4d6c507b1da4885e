"""Too much waits: the POST answers 503 and says so, Redis does not grow any more, and when workers are there again it
drains and takes events without anybody's help."""

import time

import httpx
import pytest
import redis as redis_client

from tests.events.conftest import event
from tests.faults.truth import unrest
from tests.servers import wait_until

LIMIT = 300  # entries
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def system(start_live_system):
    made = start_live_system(workers=0, EVENT_BACKLOG_LIMIT=str(LIMIT), RATE_LIMITS="0")
    yield made
    made.stop()


@pytest.fixture
def link(system):
    with redis_client.Redis.from_url(system.redis_url) as made:
        yield made


def flood(client: httpx.Client, *, most: int, size: int = 1_000) -> tuple[int, httpx.Response]:
    """Posts until one is refused. Returns how many were taken, and the refusal."""
    for number in range(most):
        answer = client.post("/api/v1/events", json=[event(result="x" * size)])
        if answer.status_code != 202:
            return number, answer
    raise AssertionError(f"{most} posts were taken")


def drain(system, link, client) -> None:
    """With a worker, and nothing restarted, all that was taken is stored and events are taken again."""
    system.start_worker()
    wait_until(lambda: client.post("/api/v1/events", json=[event()]).status_code == 202, seconds=60, what="202")
    wait_until(lambda: not unrest(link, now=time.time()), seconds=60, what="rest")
    system.running_workers.pop().stop()


def test_more_than_may_wait_is_refused_and_redis_stays_as_it_is(system, link):
    with httpx.Client(base_url=system.url, timeout=20) as client:
        taken, refusal = flood(client, most=LIMIT * 2)
        assert taken == LIMIT
        assert refusal.status_code == 503
        assert refusal.json() == {"detail": "Too many events are waiting; try again"}
        assert refusal.headers["retry-after"] == "2"
        held = link.info("memory")["used_memory"]
        answers = {client.post("/api/v1/events", json=[event(result="x" * 50_000)]).status_code for _ in range(200)}
        assert answers == {503}
        assert link.info("memory")["used_memory"] - held < MIB, "10 MB were refused"
        drain(system, link, client)


def test_a_full_redis_keeps_room_for_those_who_empty_it(system, link):
    most = link.info("memory")["used_memory"] + 12 * MIB
    link.config_set("maxmemory", most)
    with httpx.Client(base_url=system.url, timeout=20) as client:
        for _ in range(LIMIT):
            answer = client.post("/api/v1/events", json=[event(result="x" * 100_000)])
            if answer.status_code != 202:
                break
        assert answer.status_code == 503
        assert answer.json() == {"detail": "The event queue has no memory left; try again"}
        assert link.info("memory")["used_memory"] < most
        drain(system, link, client)
    link.config_set("maxmemory", 0)


def test_memory_that_is_gone_at_once_is_a_refusal_too(system, link):
    """Somebody else filled it: the append itself is refused, wholly."""
    with httpx.Client(base_url=system.url, timeout=20) as client:
        link.config_set("maxmemory", 1)
        refusal = client.post("/api/v1/events", json=[event(), event("help"), event("log_entry")])
        assert refusal.status_code == 503
        assert refusal.json() == {"detail": "The event queue has no memory left; try again"}
        assert not any(link.xlen(key) for key in link.scan_iter("river:*:high"))
        link.config_set("maxmemory", 0)
        drain(system, link, client)
