"""Posts that arrive close together share one append to Redis; one that comes alone does not wait."""

import asyncio
import time
from typing import Any

from events.intake import appender as appender_module
from events.intake.appender import Appender
from events.queue import appending, stream
from events.queue.enqueue import event_of
from tests.events.conftest import event


def made() -> Any:
    return event_of(event(), received=int(time.time() * 1000))


def test_posts_that_follow_each_other_share_an_append(redis, monkeypatch, settings):
    monkeypatch.setattr(appender_module, "APPEND_INTERVAL", 0.5)
    append, sizes = appending.append, []

    async def counted(link: Any, entries: Any) -> Any:
        sizes.append(len(entries))
        return await append(link, entries)

    monkeypatch.setattr(appending, "append", counted)

    async def posts() -> float:
        appender = Appender()
        try:
            started = time.monotonic()
            await appender.append([made()])
            first = time.monotonic() - started
            others = []
            for _ in range(6):
                others.append(asyncio.create_task(appender.append([made()])))
                await asyncio.sleep(0.002)
            await asyncio.gather(*others)
            return first
        finally:
            await appender.close()

    alone = asyncio.run(posts())
    assert sizes == [1, 6]
    assert alone < 0.5
    assert sum(redis.xlen(stream.stream_key(shard, "high")) for shard in range(settings.EVENT_SHARDS)) == 7
