"""A store is away in the middle of a lesson: what each answer is meanwhile, and that afterwards nothing is missing.

Some seconds here; a minute in `make faults`.
"""

import asyncio
import signal
import threading
import time
from contextlib import suppress

import httpx
import psycopg
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from events.queue import stream
from tests.events.conftest import event
from tests.faults.conftest import CONNECTIONS, IS_LONG
from tests.servers import wait_until

SECONDS = 60.0 if IS_LONG else 3.0
PAGE, API = "/accounts/login/", "/api/v1/classes"


def post(world) -> httpx.Response:
    """One event that no class has sent: an alien, so only where it must not be stored."""
    return httpx.post(f"{world.url}/api/v1/events", json=[event(emailAddress="alien@example.com")])


def wait_for_load(room) -> None:
    wait_until(lambda: len(room.accepted) > 100, seconds=60, what="a hundred events")


def answers(world) -> tuple[httpx.Response, httpx.Response]:
    """What a program and a person are answered."""
    api = httpx.get(f"{world.url}{API}", timeout=30)
    page = httpx.get(f"{world.url}/", cookies={f"sessionid{world.system.suffix}": "x" * 32}, timeout=30)
    return api, page


def are_refused(api: httpx.Response, page: httpx.Response) -> None:
    """Because PostgreSQL cannot be asked."""
    assert (api.status_code, page.status_code) == (503, 503)
    assert api.json()["detail"].endswith("; try again")
    assert api.headers["retry-after"] == page.headers["retry-after"] == "2"
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>" in page.text


def test_postgresql_is_away(world):
    with world.room() as room:
        wait_for_load(room)
        assert world.system.suffix  # asked while it can be
        world.database.kill()
        away = time.monotonic()
        are_refused(*answers(world))
        time.sleep(max(0.0, SECONDS - (time.monotonic() - away)))
        with world.redis() as link:
            waiting = sum(link.xlen(key) for key in link.scan_iter("events:*:high"))
        world.start_postgres()
    assert waiting > 0
    assert set(room.answers) == {"202"}, "no POST noticed"
    world.check()


def test_redis_is_away(world):
    heard, stop = threading.Event(), threading.Event()
    listener = threading.Thread(target=asyncio.run, args=[listen(world.url, heard, stop)], daemon=True)
    listener.start()
    with world.room() as room:
        wait_for_load(room)
        wait_until(heard.is_set, what="a frame")
        world.system.redis.kill()
        refused = post(world)
        time.sleep(SECONDS)
        assert httpx.get(f"{world.url}{API}", timeout=30).status_code in (200, 503)
        world.system.redis.start()
        heard.clear()
        wait_until(heard.is_set, seconds=60, what="a frame after the outage")
    stop.set()
    listener.join(60)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert refused.json() == {"detail": "The event queue is not available; try again"}
    assert set(room.answers) == {"202", "503"}, room.answers
    world.check()


async def listen(url: str, heard: threading.Event, stop: threading.Event) -> None:
    """A dashboard, which connects again when it is cut off, as the page does."""
    while not stop.is_set():
        with suppress(OSError, WebSocketException, TimeoutError):
            async with connect(f"{url.replace('http', 'ws', 1)}/ws", proxy=None, max_size=None) as socket:
                while not stop.is_set():
                    frame = await asyncio.wait_for(socket.recv(), 5)
                    if '"progress_update"' in str(frame):
                        heard.set()
        await asyncio.sleep(0.2)


def test_no_connection_is_left(world):
    taken, stop = [], threading.Event()
    with world.room() as room:
        wait_for_load(room)
        assert world.system.suffix  # asked while it can be
        greedy = threading.Thread(target=take_all, args=[world, taken, stop], daemon=True)
        greedy.start()
        try:
            # Until then, one that was open already, or that is free between two that take it, serves a request more.
            found = [answers(world)]
            wait_until(
                lambda: {each.status_code for each in found[-1]} == {503} or found.append(answers(world)),
                seconds=60, what="503",
            )  # fmt: skip
            are_refused(*found[-1])
        finally:
            stop.set()
            greedy.join(60)
            for one in taken:
                one.close()
    assert "connection" in found[-1][0].json()["detail"]
    assert set(room.answers) == {"202"}
    wait_until(lambda: httpx.get(f"{world.url}{API}", timeout=30).status_code == 200, seconds=60, what="an answer")
    world.check()


def take_all(world, taken: list, stop: threading.Event) -> None:
    """Takes every connection there is, those that others hold too, for as long as it may."""
    with world.connect() as database:
        while not stop.is_set():
            with suppress(psycopg.OperationalError):
                while len(taken) < CONNECTIONS:
                    taken.append(world.connect())
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                "AND pid <> pg_backend_pid() AND pid <> ALL(%s)",
                [[one.info.backend_pid for one in taken]],
            )


def test_a_worker_sleeps_for_longer_than_its_lease(world):
    """It wakes up in the middle of a batch that another has processed meanwhile."""
    with world.room() as room:
        wait_for_load(room)
        for worker in list(world.system.workers)[: None if IS_LONG else 1]:
            worker.send_signal(signal.SIGSTOP)
            time.sleep(stream.LEASE_MS / 1000 + 1)
            worker.send_signal(signal.SIGCONT)
    world.check()
