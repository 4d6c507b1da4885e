"""While Redis takes its time, a post is held once: packed, and no longer as a body and as events."""

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from events.intake import app as intake_app
from events.queue import appending, stream
from tests.events.conftest import event

RECORDS, CODE = 20, 50_000  # of a post: how many, and the characters of each one's code
POSTS = 5


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def body() -> bytes:
    return json.dumps([event(code="x" * CODE) for _ in range(RECORDS)]).encode()


async def post(intake: intake_app.Intake, answers: list[int]) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body(), "more_body": False}  # made here, so that nobody else holds it

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    await intake({"type": "http", "method": "POST", "headers": []}, receive, send)


async def test_posts_that_wait_are_held_packed_only(redis, monkeypatch, settings, traced):
    append, may_append, answers = appending.append, asyncio.Event(), list[int]()

    async def delayed(link: Any, entries: Any) -> Any:
        await may_append.wait()
        return await append(link, entries)

    monkeypatch.setattr(appending, "append", delayed)
    intake = intake_app.Intake()
    await asyncio.sleep(0)
    before, _ = tracemalloc.get_traced_memory()
    waiting = [asyncio.create_task(post(intake, answers)) for _ in range(POSTS)]
    await asyncio.sleep(0.1)
    held = tracemalloc.get_traced_memory()[0] - before
    may_append.set()
    await asyncio.gather(*waiting)
    await intake.close()
    assert answers == [202] * POSTS
    sizes = POSTS * RECORDS * CODE
    # Once, with the room that the encoder left over. With the bodies or the events it would be 2.5 times as much.
    assert sizes < held < 2 * sizes
    assert sum(redis.xlen(stream.stream_key(shard, "high")) for shard in range(settings.EVENT_SHARDS)) > 0
