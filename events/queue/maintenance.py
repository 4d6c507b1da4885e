"""Maintenance of the streams: backup, restore, and erasure of one person's events.

`events.queue.stream` documents the keys.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, cast

import msgspec
from redis import Redis

from core.redis_cluster import is_cluster
from events.contract import schema
from events.contract.kinds import PRIORITIES, Priority
from events.contract.schema import Event
from events.queue import moved_streams, renamed_keys, stream
from events.queue.stream import Lease, StreamEntry

PAGE = 200
IsPerson: TypeAlias = Callable[[str], bool]  # whether an address belongs to the person

_REPLACE = """
-- KEYS: bytes, stream.  ARGV: entry id, its bytes, packed events that stay or '', batch
if redis.call('XDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
if ARGV[3] ~= '' then redis.call('XADD', KEYS[2], '*', 'b', ARGV[3], 'i', ARGV[4]) end
redis.call('INCRBY', KEYS[1], #ARGV[3] - tonumber(ARGV[2]))
return 1
"""
_APPEND = """
-- KEYS: bytes, stream.  ARGV: packed events
redis.call('XADD', KEYS[2], '*', 'b', ARGV[1])
return redis.call('INCRBY', KEYS[1], #ARGV[1])
"""


class StillBusy(Exception):
    """A drain held the shard for longer than the permitted wait."""


def entries(redis: Redis) -> Iterator[tuple[int, StreamEntry]]:
    """Yield all unfinished entries with their shards, in the order of each stream."""
    with moved_streams.former_redis() as former:
        for each in filter(None, (former, redis)):  # in this order: entries move from the first to the second
            for streams in (renamed_keys.streams, _streams):  # and here
                for shard, priority, key in streams(each):
                    for found in _entries_of_stream(each, key, priority):
                        yield shard, found


def events(redis: Redis) -> Iterator[Event]:
    for _, entry in entries(redis):
        yield from _events(entry)


def restore_entries(redis: Redis, rows: Iterable[tuple[int, str, bytes]]) -> int:
    """Append the entries of a backup (shard, priority, packed events) and return their number.

    Events that are stored already change nothing when they are read again.
    """
    number = 0
    for shard, priority, packed in rows:
        if priority not in PRIORITIES:
            raise ValueError(f"{priority!r} is no priority")
        shard = stream.shard_here(redis, shard)
        redis.eval(_APPEND, 2, *stream.shard_keys(shard, "bytes", priority), packed)
        if not is_cluster(redis):
            redis.sadd(stream.SHARDS_KEY, shard)
        number += 1
    return number


def mentions(is_person: IsPerson) -> bool:
    """Return whether an event of the person is waiting."""
    redis = stream.connect()
    try:
        return any(is_person(event.email) for event in events(redis))
    finally:
        redis.close()


def remove_person(is_person: IsPerson, *, cut: Callable[[str], str], timeout: float) -> int:
    """Remove the person's events from all streams and return their number. Raises StillBusy.

    Events of others in the same entries remain; `cut` replaces the person's names in their JSON text. Wait up to
    `timeout` seconds for running drains.

    A stream only marks deleted entries, and stores their bytes until all neighbouring entries are deleted too.
    Therefore the rest of the stream is written again.
    """
    redis, deadline, removed = stream.connect(), time.monotonic() + timeout, 0
    try:
        moved_streams.take_over(redis)
        for shard in stream.shards(redis):
            lease = Lease(redis, shard)
            while any(redis.xlen(stream.stream_key(shard, priority)) for priority in PRIORITIES):
                if lease.take():
                    try:
                        removed += sum(
                            _remove_from(lease, entry, is_person, cut) for entry in _current_entries(redis, shard)
                        )
                        for priority in PRIORITIES:
                            stream.requeue(redis, stream.stream_key(shard, priority))
                    finally:
                        lease.release()
                    break
                # The drain that holds the lease is about to store these entries and delete them from the stream.
                if not any(_names(entry, is_person, cut) for entry in _entries_of(redis, shard)):
                    break
                if time.monotonic() > deadline:
                    raise StillBusy
                time.sleep(0.1)
    finally:
        redis.close()
    return removed


def _names(entry: StreamEntry, is_person: IsPerson, cut: Callable[[str], str]) -> bool:
    packed = entry.packed.decode(errors="surrogateescape")
    return cut(packed) != packed or any(is_person(event.email) for event in _events(entry))


def _current_entries(redis: Redis, shard: int) -> Iterator[StreamEntry]:
    """Yield the entries that are in the shard's streams now, without those appended later."""
    for priority in PRIORITIES:
        key = stream.stream_key(shard, priority)
        last = cast(list[tuple[bytes, Any]], redis.xrevrange(key, count=1))
        if last:
            yield from _entries_of_stream(redis, key, priority, until=last[0][0].decode())


def _remove_from(lease: Lease, entry: StreamEntry, is_person: IsPerson, cut: Callable[[str], str]) -> int:
    lease.renew()
    before = _events(entry)
    rest = [event for event in before if not is_person(event.email)]
    packed = entry.packed if len(rest) == len(before) else schema.pack(rest) if rest else b""
    remaining = cut(packed.decode(errors="surrogateescape")).encode(errors="surrogateescape")
    keys = stream.shard_keys(lease.shard, "bytes", entry.priority)
    lease.redis.eval(_REPLACE, 2, *keys, entry.id, len(entry.packed), remaining, entry.batch)
    return len(before) - len(rest)


def _events(entry: StreamEntry) -> list[Event]:
    try:
        return schema.unpack(entry.packed)
    except msgspec.MsgspecError:  # the pipeline sets it aside as a row
        return []


def _streams(redis: Redis) -> Iterator[tuple[int, Priority, str]]:
    for shard in stream.shards(redis):
        for priority in PRIORITIES:
            yield shard, priority, stream.stream_key(shard, priority)


def _entries_of(redis: Redis, shard: int) -> Iterator[StreamEntry]:
    for priority in PRIORITIES:
        yield from _entries_of_stream(redis, stream.stream_key(shard, priority), priority)


def _entries_of_stream(redis: Redis, key: str, priority: Priority, *, until: str = "+") -> Iterator[StreamEntry]:
    start = "-"
    while page := cast(list[tuple[bytes, dict[bytes, bytes]]], redis.xrange(key, min=start, max=until, count=PAGE)):
        for entry_id, fields in page:
            batch = fields.get(b"i", b"").decode()
            yield StreamEntry(priority, entry_id.decode(), fields.get(b"b", b""), batch)
            start = f"({entry_id.decode()}"
