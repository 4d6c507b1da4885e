"""Points that wait for InfluxDB, in Redis: bounded, and each leaves only when InfluxDB has it.

Bounded by count, by bytes, and by what lessons leave of Redis' memory (`stream.COMMON`). When it is full, what comes is
dropped and what is there stays: the oldest would be dropped last. So what InfluxDB lacks is one span of time with a
known beginning and end, which is all that is needed to write it again from PostgreSQL (`influx_backfill --since`);
dropping at the other end would leave the same gap and shovel all day to keep it moving.

Keys:

    points:waiting   stream   an entry what one batch of the river laid down: n = points, l = JSON list of lines
    points:held      hash     points, bytes: what all entries hold
                              target: the address and bucket that all this is about
                              complete_from: from this event time (ms) on, InfluxDB has every point, or it waits here
                              dropped, dropped_since: how many did not fit, and the earliest event time (ms) of them
                              refused, refusal: how many lines InfluxDB would not take, and what it said last
    points:trouble   hash     tries, reason; only while InfluxDB takes nothing; expires TROUBLE_SECONDS after the last
    points:pause     string   not to be tried before this expires
    points:sender    string   token of whoever sends at present (`sending`)
    points:backfills sorted set   each `influx_backfill` that runs, by the time (s) at which it counts as dead; expires
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from django.conf import settings
from redis import Redis

from events.points.lines import time_of
from events.schema import NEWEST
from events.stream import IS_CROWDED

WAITING, HELD, TROUBLE, PAUSE = "points:waiting", "points:held", "points:trouble", "points:pause"
BACKFILLS = "points:backfills"
BACKFILL_SECONDS = 120  # without a sign of life
LINES_AN_ENTRY = 1_000
TROUBLE_SECONDS = 600
# Seconds before the next try: three of them, then it counts as away and is looked for at times.
PAUSES = (1, 2, 4)
AWAY_PAUSE = 15
LONGEST_PAUSE = 60

_KEEP = (
    IS_CROWDED
    + """
-- KEYS: waiting, held.  ARGV: most points, most bytes, points, lines, oldest and newest event time, complete from
redis.call('HSETNX', KEYS[2], 'complete_from', ARGV[7])
local points = tonumber(redis.call('HGET', KEYS[2], 'points') or 0)
local bytes = tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0)
if points + ARGV[3] > tonumber(ARGV[1]) or bytes + #ARGV[4] > tonumber(ARGV[2]) or is_crowded(#ARGV[4]) then
  local since = tonumber(redis.call('HGET', KEYS[2], 'dropped_since') or ARGV[5])
  local complete = tonumber(redis.call('HGET', KEYS[2], 'complete_from'))
  redis.call('HINCRBY', KEYS[2], 'dropped', ARGV[3])
  if tonumber(ARGV[5]) <= since then redis.call('HSET', KEYS[2], 'dropped_since', ARGV[5]) end
  if tonumber(ARGV[6]) >= complete then
    redis.call('HSET', KEYS[2], 'complete_from', string.format('%.0f', ARGV[6] + 1))
  end
  return 0
end
redis.call('XADD', KEYS[1], '*', 'n', ARGV[3], 'l', ARGV[4])
redis.call('HINCRBY', KEYS[2], 'points', ARGV[3])
redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[4])
return 1
"""
)

_STANDING = """
-- KEYS: held, waiting, trouble.  The entries themselves, which may be large, stay where they are
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
return {redis.call('HGETALL', KEYS[1]), first[1] and first[1][1] or '', redis.call('HGET', KEYS[3], 'reason') or ''}
"""

_FORGET = """
-- KEYS: waiting, held.  ARGV: entry id, points and bytes, repeated.  Only what was still there counts
for i = 1, #ARGV, 3 do
  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then
    redis.call('HINCRBY', KEYS[2], 'points', -ARGV[i + 1])
    redis.call('HINCRBY', KEYS[2], 'bytes', -ARGV[i + 2])
  end
end
"""


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    lines: list[str]
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How the way to InfluxDB is. Times in milliseconds since the epoch."""

    waiting: int = 0
    oldest: int | None = None  # since when the first of them waits
    complete_from: int | None = None  # by event time; None where nothing was ever written
    dropped: int = 0
    dropped_since: int | None = None
    refused: int = 0
    refusal: str = ""
    reason: str = ""  # why nothing can be written at present


def connect() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=5)


def keep(redis: Redis, lines: Sequence[str], *, now_ms: int) -> int:
    """Lay these lines down, in one round trip. Returns how many were dropped because the backlog is full."""
    parts = [lines[start : start + LINES_AN_ENTRY] for start in range(0, len(lines), LINES_AN_ENTRY)]
    with redis.pipeline(transaction=False) as pipe:
        for part in parts:
            times = [time_of(line) for line in part]
            pipe.eval(
                _KEEP, 2, WAITING, HELD, settings.INFLUXDB_WAITING_LIMIT, settings.INFLUXDB_WAITING_BYTES, len(part),
                msgspec.json.encode(part), min(times), max(times), now_ms + NEWEST,
            )  # fmt: skip
        kept = pipe.execute()
    return sum(len(part) for part, is_kept in zip(parts, kept, strict=True) if not is_kept)


def oldest(redis: Redis, *, lines: int) -> list[Entry]:
    """The first entries, together about so many lines, at least one entry where there is one."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.xlen(WAITING)
        pipe.hget(HELD, "points")
        entries, points = pipe.execute()
    # Entries hold from one line to a thousand: as many as there are of their mean size.
    wanted = max(1, lines * entries // max(int(points or 0), 1))
    found: list[Entry] = []
    count = 0
    for entry_id, fields in cast(Any, redis.xrange(WAITING, count=min(wanted, lines))):
        entry = Entry(entry_id.decode(), msgspec.json.decode(fields[b"l"], type=list[str]), len(fields[b"l"]))
        if found and count + len(entry.lines) > lines:
            break
        found.append(entry)
        count += len(entry.lines)
    return found


def forget(redis: Redis, entries: Iterable[Entry]) -> None:
    """InfluxDB has them. Forgetting an entry twice does no harm."""
    args = [value for entry in entries for value in (entry.id, len(entry.lines), entry.bytes)]
    redis.eval(_FORGET, 2, WAITING, HELD, *args)


def count_refused(redis: Redis, number: int, *, reason: str) -> None:
    with redis.pipeline() as pipe:
        pipe.hincrby(HELD, "refused", number)
        pipe.hset(HELD, "refusal", reason)
        pipe.execute()


def aim(redis: Redis, *, target: str) -> None:
    """What is known to be complete was so of one server, written to all the time. Call it where a writer begins: with
    another target, or with none (""), nothing is known to be complete any more."""
    if (redis.hget(HELD, "target") or b"") != target.encode():
        with redis.pipeline() as pipe:
            pipe.hdel(HELD, "complete_from")
            pipe.hset(HELD, "target", target)
            pipe.execute()


def is_paused(redis: Redis) -> bool:
    return bool(redis.exists(PAUSE))


def pause(redis: Redis, *, reason: str, at_least: float = 0) -> bool:
    """Nothing is tried for a while, longer each time. Returns whether this is news: the first time, or for another
    reason than before."""
    with redis.pipeline() as pipe:
        pipe.hget(TROUBLE, "reason")
        pipe.hset(TROUBLE, "reason", reason)
        pipe.hincrby(TROUBLE, "tries", 1)
        pipe.expire(TROUBLE, TROUBLE_SECONDS)
        before, _, tries, _ = pipe.execute()
    wait = PAUSES[tries - 1] if tries <= len(PAUSES) else AWAY_PAUSE
    redis.set(PAUSE, 1, px=int(min(max(wait, at_least), LONGEST_PAUSE) * 1000))
    return before is None or before.decode() != reason


def end_trouble(redis: Redis) -> bool:
    """InfluxDB took something. Returns whether that is news."""
    return bool(redis.delete(TROUBLE))


def standing(redis: Redis | None = None) -> Standing:
    """One round trip. Raises redis.RedisError."""
    if redis is None:
        with connect() as link:
            return standing(link)
    pairs, first, reason = cast(Any, redis.eval(_STANDING, 3, HELD, WAITING, TROUBLE))
    held = dict(zip(pairs[::2], pairs[1::2], strict=True))

    def number(name: bytes) -> int | None:
        return int(held[name]) if name in held else None

    return Standing(
        waiting=number(b"points") or 0,
        oldest=int(first.partition(b"-")[0]) if first else None,
        complete_from=number(b"complete_from"),
        dropped=number(b"dropped") or 0,
        dropped_since=number(b"dropped_since"),
        refused=number(b"refused") or 0,
        refusal=held.get(b"refusal", b"").decode(),
        reason=reason.decode(),
    )


def note_backfill(redis: Redis, name: str, *, now: float) -> None:
    """A backfill lives: it holds rows in its memory that may be gone from PostgreSQL by now. Call it before it reads,
    and then again and again."""
    with redis.pipeline() as pipe:
        pipe.zadd(BACKFILLS, {name: now + BACKFILL_SECONDS})
        pipe.expire(BACKFILLS, BACKFILL_SECONDS)
        pipe.execute()


def end_backfill(redis: Redis, name: str) -> None:
    redis.zrem(BACKFILLS, name)


def is_backfilled(redis: Redis, *, now: float) -> bool:
    return bool(redis.zcount(BACKFILLS, now, "inf"))


def call_complete(redis: Redis, *, since_ms: int, dropped_before: int) -> bool:
    """From this event time on InfluxDB has every point: somebody has written them all. False, and nothing is noted,
    where points were dropped since (`dropped_before`: how many had been when that began)."""
    now = standing(redis)
    if now.dropped != dropped_before:
        return False
    with redis.pipeline() as pipe:
        if now.complete_from is None or since_ms < now.complete_from:
            pipe.hset(HELD, "complete_from", since_ms)
        if now.dropped_since is None or since_ms <= now.dropped_since:
            pipe.hdel(HELD, "dropped", "dropped_since", "refused", "refusal")
        pipe.execute()
    return True
