"""Take over what waits in REDIS_URL when the event streams have a Redis of their own (EVENTS_REDIS_URL).

Done when a web process starts, and again with each `requeue_stranded_shards`, because an intake may still be running
with the setting of before. An entry is appended here and then deleted there, so a crash in between has it twice, which
changes nothing: rows are keyed by event id.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis import Redis

from core.redis import blocking_client
from events.contract.kinds import PRIORITIES
from events.queue import appending, renamed_keys, stream
from events.queue.appending import OutgoingEntry
from events.queue.stream import Lease, StreamEntry

PAGE = 200  # entries of a priority


@contextmanager
def former_redis() -> Iterator[Redis | None]:
    """Give a client of the Redis that had the streams before, or None if they are still there."""
    if not stream.has_own_redis():
        yield None
        return
    with blocking_client(timeout=4, connect_timeout=3) as redis:
        yield redis


def take_over(redis: Redis) -> int:
    """Take over the streams of an older release, and what waits in REDIS_URL. Return the number of shards.

    A shard that a drain is reading is left for the next call. Do not call this in a thread with a running event loop.
    Raises RedisError, OSError.
    """
    with former_redis() as old:
        if old is None:
            return renamed_keys.take_over(redis)
        renamed_keys.take_over(old)
        return sum(_move(old, redis, shard) for shard in stream.shards(old))


def _move(old: Redis, redis: Redis, shard: int) -> bool:
    if not any(old.xlen(stream.stream_key(shard, priority)) for priority in PRIORITIES):
        return False
    lease = Lease(old, shard)
    if not lease.take():
        return False
    here = stream.shard_here(redis, shard)
    try:
        while lease.renew() and (entries := lease.read(count=PAGE)):
            asyncio.run(_append(here, entries))
            lease.acknowledge(entries)
    finally:
        lease.release()
    # An append says that it enqueues a drain: `stranded_shards` is to find the shard instead.
    redis.delete(stream.shard_keys(here, "wake")[0])
    return True


async def _append(shard: int, entries: Sequence[StreamEntry]) -> None:
    """Append them as the intake does, and so with EVENT_REPLICAS: they were answered 202. Raises RedisError."""
    outgoing = [OutgoingEntry(shard, each.priority, each.packed, each.batch) for each in entries]
    redis = stream.connect_async()
    try:
        await appending.append(redis, outgoing)
    finally:
        await redis.aclose()
