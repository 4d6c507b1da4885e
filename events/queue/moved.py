"""Take over what waits in REDIS_URL when the event streams have a Redis of their own (EVENTS_REDIS_URL).

Done when a web process starts, and again with each `requeue_stranded_shards`, because an intake may still be running
with the setting of before. An entry is appended here and then deleted there, so a crash in between has it twice, which
changes nothing: rows are keyed by event id.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from core.redis import blocking_client
from core.redis_cluster import is_cluster
from events.contract.kinds import PRIORITIES
from events.queue import renamed_keys, stream
from events.queue.stream import Lease, StreamEntry

PAGE = 200  # entries of a priority

_APPEND = """
-- KEYS: bytes, stream.  ARGV: packed events, batch
redis.call('XADD', KEYS[2], '*', 'b', ARGV[1], 'i', ARGV[2])
return redis.call('INCRBY', KEYS[1], #ARGV[1])
"""


def append_entry(redis: Redis, shard: int, entry: StreamEntry) -> None:
    """Append an entry of another Redis or of a backup. Raises RedisError."""
    is_sharded = is_cluster(redis)
    if is_sharded:
        shard %= stream.MAX_SHARDS  # of an older release, which had more
    redis.eval(_APPEND, 2, *stream.shard_keys(shard, "bytes", entry.priority), entry.packed, entry.batch)
    if not is_sharded:
        redis.sadd(stream.SHARDS_KEY, shard)


@contextmanager
def former() -> Iterator[Redis | None]:
    """Give a client of the Redis that had the streams before, or None if they are still there."""
    if not stream.has_own_redis():
        yield None
        return
    with blocking_client(timeout=4, connect_timeout=3) as redis:
        yield redis


def take_over(redis: Redis) -> int:
    """Take over the streams of an older release, and what waits in REDIS_URL. Return the number of shards.

    A shard that a drain is reading is left for the next call. Raises RedisError.
    """
    with former() as old:
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
    try:
        while lease.renew() and (entries := lease.read(count=PAGE)):
            for entry in entries:
                append_entry(redis, shard, entry)
            lease.acknowledge(entries)
    finally:
        lease.release()
    return True
