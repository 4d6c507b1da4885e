"""Too much waits: the POST answers 503 and says so, Redis does not grow any more, and when workers are there again it
drains and takes events without anybody's help."""

import gzip
import json
import re
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


def flood(client: httpx.Client, *, maximum: int, size: int = 1_000) -> tuple[int, httpx.Response]:
    """Posts until one is refused. Returns how many were taken, and the refusal."""
    for number in range(maximum):
        answer = client.post("/api/v1/events", json=[event(result="x" * size)])
        if answer.status_code != 202:
            return number, answer
    raise AssertionError(f"{maximum} posts were taken")


def drain(system, link, client) -> None:
    """With a worker, and nothing restarted, all that was taken is stored and events are taken again."""
    system.start_worker()
    wait_until(lambda: client.post("/api/v1/events", json=[event()]).status_code == 202, seconds=60, what="202")
    wait_until(lambda: not unrest(link, now=time.time()), seconds=60, what="rest")
    system.running_workers.pop().stop()


def test_more_than_may_wait_is_refused_and_redis_stays_as_it_is(system, link):
    with httpx.Client(base_url=system.url) as client:
        taken, refusal = flood(client, maximum=LIMIT * 2)
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
    maximum = link.info("memory")["used_memory"] + 12 * MIB
    link.config_set("maxmemory", maximum)
    with httpx.Client(base_url=system.url) as client:
        for _ in range(LIMIT):
            answer = client.post("/api/v1/events", json=[event(result="x" * 100_000)])
            if answer.status_code != 202:
                break
        assert answer.status_code == 503
        assert answer.json() == {"detail": "The event queue has no memory left; try again"}
        assert link.info("memory")["used_memory"] < maximum
        drain(system, link, client)
    link.config_set("maxmemory", 0)


def packed(size: int) -> dict[str, object]:
    """A post that is tiny on its way and so large at its end."""
    body = gzip.compress(json.dumps([{"a": "x" * size}]).encode())
    return {"content": body, "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"}}


def health(client) -> dict[str, object]:
    found = client.get("/api/v1/health").json()
    return found.get("detail", found)["services"]["redis"]


def test_ninety_kilobytes_of_test_events_stop_no_lesson(system, link):
    """Compressed a thousand times, they would be a hundred megabytes. Lessons go on, and health counts what is held."""
    maximum = link.info("memory")["used_memory"] + 64 * MIB
    link.config_set("maxmemory", maximum)
    with httpx.Client(base_url=system.url) as client:
        bomb = packed(10 * MIB - 100)
        sent = [client.post(f"/api/v1/test/events/t{number}", **bomb) for number in range(9)]
        assert 60_000 < 9 * len(bomb["content"]) < 120_000
        assert [answer.status_code for answer in sent] == [200] + [507] * 8
        assert sent[-1].json()["detail"].startswith("Test events may hold 16777216 bytes together")
        assert client.post("/api/v1/events", json=[event(), event("help")]).status_code == 202
        found = health(client)
        assert found["status"] == "healthy"
        assert 10 * MIB < found["test_events_bytes"] < 11 * MIB
        assert found["memory_limit_bytes"] == maximum
        said = re.search(r"^cellmonitor_test_events_bytes (\S+)$", client.get("/metrics").text, re.MULTILINE)
        assert float(said[1]) == found["test_events_bytes"]
        # Somebody else fills what is left: others give way first, then health says it, then it is said to lessons too.
        fill(link, maximum * 0.6)
        assert client.post("/api/v1/test/events/small", json=[{}]).status_code == 507
        assert client.post("/api/v1/events", json=[event()]).status_code == 202
        fill(link, maximum * 0.75)
        assert health(client)["status"] == "degraded"
        assert client.post("/api/v1/events", json=[event()]).status_code == 202
        fill(link, maximum * 0.9)
        assert health(client)["status"] == "unhealthy"
        assert "events are refused" in health(client)["message"]
        fill(link, maximum * 0.95)
        link.config_set("maxmemory", link.info("memory")["used_memory"] - MIB)
        assert health(client)["status"] == "unhealthy"
        assert client.get("/api/v1/health").status_code == 503
        assert client.get("/api/v1/classes").status_code == 200, "reading goes on"
        link.delete("ballast")
        link.config_set("maxmemory", maximum)
        assert health(client)["status"] == "healthy"
        assert client.post("/api/v1/events", json=[event()]).status_code == 202
        for number in range(9):
            client.delete(f"/api/v1/test/events/t{number}")
        drain(system, link, client)
    link.config_set("maxmemory", 0)


def fill(link, used: float) -> None:
    """Store ballast until so many bytes are used, within 1 MiB below it."""
    link.config_set("maxmemory-policy", "noeviction")
    while (missing := int(used) - settled_memory(link)) > MIB:
        for _ in range(missing // MIB):
            link.rpush("ballast", b"x" * (MIB * 3 // 4))


def settled_memory(link) -> int:
    """Return the used bytes once buffers of the append-only file and of clients, which count too, are written."""
    wait_until(lambda: _buffers(link) < MIB // 8, what="written buffers")
    return link.info("memory")["used_memory"]


def _buffers(link) -> int:
    memory = link.info("memory")
    return memory["mem_aof_buffer"] + memory["mem_clients_normal"]


def test_a_disk_that_takes_no_more_is_said(system, link):
    """As with a full disk: it answers a ping, and no write."""
    link.config_set("min-replicas-to-write", 1)
    try:
        with httpx.Client(base_url=system.url) as client:
            found = health(client)
            assert (found["status"], found["ping_response"]) == ("unhealthy", True)
            assert found["message"] == "Redis refuses writes (NOREPLICAS): its log says why"
    finally:
        link.config_set("min-replicas-to-write", 0)


def test_memory_that_is_gone_at_once_is_a_refusal_too(system, link):
    """Somebody else filled it: the append itself is refused, wholly."""
    with httpx.Client(base_url=system.url) as client:
        link.config_set("maxmemory", 1)
        refusal = client.post("/api/v1/events", json=[event(), event("help"), event("log_entry")])
        assert refusal.status_code == 503
        assert refusal.json() == {"detail": "The event queue has no memory left; try again"}
        assert not any(link.xlen(key) for key in link.scan_iter("events:*:high"))
        link.config_set("maxmemory", 0)
        drain(system, link, client)
