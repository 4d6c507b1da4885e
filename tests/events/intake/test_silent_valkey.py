"""A Valkey that says nothing: who waits behind a post that heard nothing is answered with it, not a timeout later."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from core.redis import async_client
from events.intake.appender import Appender
from events.intake.request import RequestRefused
from events.queue import appending, stream
from events.queue.enqueue import event_of
from tests.events.conftest import event

TIMEOUT = 1.0  # seconds, of the client
PAUSE_MS = 3_000


@pytest.fixture
def pausable(redis, monkeypatch) -> Iterator[Any]:
    """A server that stops answering with `client_pause`, and connections to it that wait for TIMEOUT."""
    monkeypatch.setattr(stream, "connect_async", lambda: async_client(timeout=TIMEOUT))
    yield redis
    redis.ping()  # waits for the end of the pause


async def answers_of_two_posts() -> tuple[list[int], float]:
    """The second comes while the first waits. Their statuses, and how many seconds the later answer took."""
    appender = Appender()

    async def post() -> int:
        try:
            await appender.append([event_of(event(), received=int(time.time() * 1000))])
        except RequestRefused as refusal:
            return refusal.status
        return 202

    began = time.monotonic()
    first = asyncio.create_task(post())
    await asyncio.sleep(TIMEOUT / 5)
    statuses = list(await asyncio.gather(first, post()))
    took = time.monotonic() - began
    await appender.close()
    return statuses, took


def test_a_post_behind_an_append_that_hears_nothing(pausable):
    pausable.client_pause(PAUSE_MS)
    statuses, took = asyncio.run(answers_of_two_posts())
    assert statuses == [503, 503]
    assert took < 1.8 * TIMEOUT


def test_a_post_behind_a_look_at_the_memory_that_hears_nothing(pausable, monkeypatch):
    look = appending.free_bytes

    async def silent(link: Any) -> float:
        pausable.client_pause(PAUSE_MS)
        return await look(link)

    monkeypatch.setattr(appending, "free_bytes", silent)
    statuses, took = asyncio.run(answers_of_two_posts())
    assert statuses == [202, 503]
    assert took < 1.8 * TIMEOUT
