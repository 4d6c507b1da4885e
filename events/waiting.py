"""What lies in the streams, for operators: copied by a backup, put back by a restore, and rid of one person.

Keys and their meaning: `events.stream`.
"""

import time
from collections.abc import Iterable, Iterator
from typing import cast

import msgspec
from redis import Redis

from events import schema, stream
from events.kinds import PRIORITIES
from events.schema import Event
from events.stream import Entry, Lease
from lms.identity import email_key

PAGE = 200

_REPLACE = """
-- KEYS: bytes, stream.  ARGV: entry id, its bytes, packed events that stay or ''
if redis.call('XDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
if ARGV[3] ~= '' then redis.call('XADD', KEYS[2], '*', 'b', ARGV[3]) end
redis.call('INCRBY', KEYS[1], #ARGV[3] - tonumber(ARGV[2]))
return 1
"""
_APPEND = """
-- KEYS: bytes, stream.  ARGV: packed events
redis.call('XADD', KEYS[2], '*', 'b', ARGV[1])
return redis.call('INCRBY', KEYS[1], #ARGV[1])
"""


class StillBusy(Exception):
    """A drain held the shard for longer than we may wait."""


def entries(redis: Redis) -> Iterator[tuple[int, Entry]]:
    """Everything that is not finished, with its shard, in the order in which it came to its stream."""
    for shard in _shards(redis):
        for found in _entries_of(redis, shard):
            yield shard, found


def events(redis: Redis) -> Iterator[Event]:
    for _, entry in entries(redis):
        yield from _events(entry)


def put_back(redis: Redis, rows: Iterable[tuple[int, str, bytes]]) -> int:
    """Append entries of a backup: shard, priority, packed events. What was stored since changes nothing when it comes
    again."""
    number = 0
    for shard, priority, packed in rows:
        if priority not in PRIORITIES:
            raise ValueError(f"{priority!r} is no priority")
        redis.eval(_APPEND, 2, f"river:{{{shard}}}:bytes", f"river:{{{shard}}}:{priority}", packed)
        redis.sadd(stream.SHARDS_KEY, shard)
        number += 1
    return number


def holds(email: str) -> bool:
    """Whether an event of this address waits."""
    redis = stream.connect()
    try:
        return any(_is_of(event, email) for event in events(redis))
    finally:
        redis.close()


def take_out(email: str, *, patience: float) -> int:
    """Take the events of this address out of all streams; events of others in the same entries stay. Waits so many
    seconds for drains that are at work. Returns how many events went. Raises StillBusy."""
    redis, deadline, taken = stream.connect(), time.monotonic() + patience, 0
    try:
        for shard in _shards(redis):
            while found := [e for e in _entries_of(redis, shard) if any(_is_of(event, email) for event in _events(e))]:
                lease = Lease(redis, shard)
                if lease.take():
                    try:
                        taken += sum(_without(lease, entry, email) for entry in found)
                    finally:
                        lease.release()
                elif time.monotonic() > deadline:
                    raise StillBusy
                else:
                    time.sleep(0.1)  # who holds it is about to store them
    finally:
        redis.close()
    return taken


def _without(lease: Lease, entry: Entry, email: str) -> int:
    lease.keep()
    before = _events(entry)
    rest = [event for event in before if not _is_of(event, email)]
    keys = [f"river:{{{lease.shard}}}:bytes", stream.stream_key(lease.shard, entry.priority)]
    lease.redis.eval(_REPLACE, 2, *keys, entry.id, len(entry.packed), schema.pack(rest) if rest else b"")
    return len(before) - len(rest)


def _is_of(event: Event, email: str) -> bool:
    return email_key(event.email) == email_key(email)


def _events(entry: Entry) -> list[Event]:
    try:
        return schema.unpack(entry.packed)
    except msgspec.MsgspecError:  # the pipeline sets it aside, and then it is a row
        return []


def _shards(redis: Redis) -> list[int]:
    members: set[bytes] = redis.smembers(stream.SHARDS_KEY)  # type: ignore[assignment]
    return sorted(int(member) for member in members)


def _entries_of(redis: Redis, shard: int) -> Iterator[Entry]:
    for priority in PRIORITIES:
        start = "-"
        key = stream.stream_key(shard, priority)
        while page := cast(list[tuple[bytes, dict[bytes, bytes]]], redis.xrange(key, min=start, count=PAGE)):
            for entry_id, fields in page:
                yield Entry(priority, entry_id.decode(), fields.get(b"b", b""))
                start = f"({entry_id.decode()}"
