"""Points that wait for InfluxDB, in Redis: bounded, and each leaves only when InfluxDB has it.

Bounded by count, by bytes, and by what lessons leave of Redis' memory (`stream.COMMON`). When it is full, what comes is
dropped and what is there stays: the oldest would be dropped last. So what InfluxDB lacks is one span of time with a
known beginning and end, which is all that is needed to write it again from PostgreSQL (`influx_backfill --since`);
dropping at the other end would leave the same gap and shovel all day to keep it moving.

Keys:

    points:waiting   stream   an entry what one batch of the river laid down: n = points, l = JSON list of lines
    points:held      hash     points, bytes: what all entries hold
                              target: the address and bucket that all this is about
                              bucket: id and creation (ms) of the bucket that it was when it was looked at last
                              retention: how many seconds that keeps a point; 0 = for ever
                              remade: when (ms) it was made, where it took the place of another one and nobody has
                              written it full again since
                              complete_from: from this event time (ms) on, that bucket has every point, or it waits here
                              dropped, dropped_since: how many did not fit, and the earliest event time (ms) of them
                              refused, refused_until, refusal: how many lines InfluxDB would not take, the newest
                              event time (ms) of them, and what it said last
                              expired: how many were older than the bucket keeps them
                              sums: id and creation of the bucket of hourly sums
                              sums_from: the sums of hours that begin at this event time (ms) or later are right, but
                              for those of points:unsummed
    points:unsummed  sorted set   hours (since the epoch) of which points were sent since they were summed
    points:summed    string   no hours are summed before this expires
    points:looked    string   the bucket needs no look before this expires
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

from core.redis import blocking_client
from events.contract.schema import MAX_AHEAD_MS
from events.queue.stream import IS_CROWDED
from events.timeseries.client import Bucket, kept_from
from events.timeseries.line_protocol import time_of

WAITING, HELD, TROUBLE, PAUSE = "points:waiting", "points:held", "points:trouble", "points:pause"
LOOKED, UNSUMMED, SUMMED = "points:looked", "points:unsummed", "points:summed"
LOOK_SECONDS = 60  # between two looks at the bucket, where nothing calls for one earlier
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
  local sums = tonumber(redis.call('HGET', KEYS[2], 'sums_from'))
  if sums and tonumber(ARGV[6]) >= sums then
    redis.call('HSET', KEYS[2], 'sums_from', string.format('%.0f', ARGV[6] + 1))
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
-- KEYS: held, waiting, trouble, unsummed.  The entries themselves, which may be large, stay where they are
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local hour = redis.call('ZRANGE', KEYS[4], 0, 0)
return {redis.call('HGETALL', KEYS[1]), first[1] and first[1][1] or '', redis.call('HGET', KEYS[3], 'reason') or '',
        hour[1] or ''}
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


_REFUSED = """
-- KEYS: held.  ARGV: how many, what InfluxDB said, the newest event time of them or ''
redis.call('HINCRBY', KEYS[1], 'refused', ARGV[1])
redis.call('HSET', KEYS[1], 'refusal', ARGV[2])
if ARGV[3] == '' then return end
local before = tonumber(redis.call('HGET', KEYS[1], 'refused_until') or 0)
if tonumber(ARGV[3]) > before then redis.call('HSET', KEYS[1], 'refused_until', ARGV[3]) end
local complete = tonumber(redis.call('HGET', KEYS[1], 'complete_from'))
if complete and tonumber(ARGV[3]) >= complete then
  redis.call('HSET', KEYS[1], 'complete_from', string.format('%.0f', ARGV[3] + 1))
end
local sums = tonumber(redis.call('HGET', KEYS[1], 'sums_from'))
if sums and tonumber(ARGV[3]) >= sums then
  redis.call('HSET', KEYS[1], 'sums_from', string.format('%.0f', ARGV[3] + 1))
end
"""

_DISTRUST = """
-- KEYS: held.  ARGV: an event time up to which the sums may be wrong
local sums = tonumber(redis.call('HGET', KEYS[1], 'sums_from'))
if sums and tonumber(ARGV[1]) >= sums then
  redis.call('HSET', KEYS[1], 'sums_from', string.format('%.0f', ARGV[1] + 1))
end
"""

_BUCKET = """
-- KEYS: held.  ARGV: the bucket, when it was made, retention, complete from if it is new to us, what it keeps from
-- Returns 1 where what was complete was so of another bucket
local known = redis.call('HGET', KEYS[1], 'bucket')
local complete = tonumber(redis.call('HGET', KEYS[1], 'complete_from'))
redis.call('HSET', KEYS[1], 'bucket', ARGV[1], 'retention', ARGV[3])
if known ~= ARGV[1] and complete and (known or tonumber(ARGV[2]) > complete) then
  redis.call('HSET', KEYS[1], 'complete_from', ARGV[4])
  if redis.call('HEXISTS', KEYS[1], 'sums_from') == 1 then redis.call('HSET', KEYS[1], 'sums_from', ARGV[4]) end
  if known then redis.call('HSET', KEYS[1], 'remade', ARGV[2]) end
  return 1
end
if complete and complete < tonumber(ARGV[5]) then redis.call('HSET', KEYS[1], 'complete_from', ARGV[5]) end
return 0
"""


@dataclass(frozen=True, slots=True)
class BufferEntry:
    id: str
    lines: list[str]
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BacklogStatus:
    """How the way to InfluxDB is. Times in milliseconds since the epoch."""

    waiting: int = 0
    oldest: int | None = None  # since when the first of them waits
    bucket: str = ""  # which one all this is about; "" where InfluxDB shows none
    retention: int = 0  # seconds; 0 = for ever
    sums_from: int | None = None  # by event time: from then on hourly sums are right; None where there are none
    unsummed: int | None = None  # the first hour (since the epoch) whose sums are not
    remade: int | None = None  # when the bucket was made that took the place of another, until a backfill
    complete_from: int | None = None  # by event time; None where nothing was ever written
    dropped: int = 0
    dropped_since: int | None = None
    refused: int = 0
    refused_until: int | None = None  # by event time
    refusal: str = ""
    expired: int = 0
    reason: str = ""  # why nothing can be written at present


def connect() -> Redis:
    return blocking_client(timeout=5)


def append(redis: Redis, lines: Sequence[str], *, now_ms: int) -> int:
    """Lay these lines down, in one round trip. Returns how many were dropped because the backlog is full."""
    parts = [lines[start : start + LINES_AN_ENTRY] for start in range(0, len(lines), LINES_AN_ENTRY)]
    with redis.pipeline(transaction=False) as pipe:
        for part in parts:
            times = [time_of(line) for line in part]
            pipe.eval(
                _KEEP, 2, WAITING, HELD, settings.INFLUXDB_WAITING_LIMIT, settings.INFLUXDB_WAITING_BYTES, len(part),
                msgspec.json.encode(part), min(times), max(times), now_ms + MAX_AHEAD_MS,
            )  # fmt: skip
        kept = pipe.execute()
    return sum(len(part) for part, is_kept in zip(parts, kept, strict=True) if not is_kept)


def oldest(redis: Redis, *, lines: int) -> list[BufferEntry]:
    """The first entries, together about so many lines, at least one entry where there is one."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.xlen(WAITING)
        pipe.hget(HELD, "points")
        entries, points = pipe.execute()
    # Entries hold from one line to a thousand: as many as there are of their mean size.
    wanted = max(1, lines * entries // max(int(points or 0), 1))
    found: list[BufferEntry] = []
    count = 0
    for entry_id, fields in cast(Any, redis.xrange(WAITING, count=min(wanted, lines))):
        entry = BufferEntry(entry_id.decode(), msgspec.json.decode(fields[b"l"], type=list[str]), len(fields[b"l"]))
        if found and count + len(entry.lines) > lines:
            break
        found.append(entry)
        count += len(entry.lines)
    return found


def remove(redis: Redis, entries: Iterable[BufferEntry]) -> None:
    """InfluxDB has them. Forgetting an entry twice does no harm."""
    args = [value for entry in entries for value in (entry.id, len(entry.lines), entry.bytes)]
    redis.eval(_FORGET, 2, WAITING, HELD, *args)


def count_refused(redis: Redis, number: int, *, reason: str, until_ms: int | None) -> None:
    """InfluxDB will not have these: up to the newest of them (`until_ms`, by event time; None where they are about no
    student) it is not complete, and nothing that is done later makes it so."""
    redis.eval(_REFUSED, 1, HELD, number, reason, "" if until_ms is None else until_ms)


def count_expired(redis: Redis, number: int) -> None:
    """Nothing is incomplete without them: nobody is answered about times that the bucket does not keep."""
    redis.hincrby(HELD, "expired", number)


def is_probed(redis: Redis) -> bool:
    return bool(redis.exists(LOOKED))


def request_probe(redis: Redis) -> None:
    """Something speaks for another bucket than before, or none."""
    redis.delete(LOOKED)


def postpone_probe(redis: Redis, *, seconds: int) -> None:
    redis.set(LOOKED, 1, ex=seconds)


def note_bucket(redis: Redis, bucket: Bucket | None, *, now_ms: int) -> bool:
    """The bucket was looked at. What was complete was so of one bucket: where it is another one now, only what comes
    from here on is in it. Returns whether that is so, and therefore news.

    One that is seen for the first time is taken for the one that was written to unless it is younger than what is said
    to be in it. Where none is seen, what is known of the last one stays: it may come back, and questions that are put
    to none are refused.
    """
    postpone_probe(redis, seconds=LOOK_SECONDS)
    if bucket is None:
        return False
    keeps_from = kept_from(bucket.seconds, now_ms=now_ms)
    args = (bucket.identity, bucket.made, bucket.seconds, now_ms + MAX_AHEAD_MS, keeps_from)
    return bool(redis.eval(_BUCKET, 1, HELD, *args))


def note_sums(redis: Redis, bucket: Bucket | None, *, now_ms: int) -> None:
    """The bucket of hourly sums was looked at. What is in a new one is not known to be right; what is summed from here
    on is."""
    known = cast("bytes", redis.hget(HELD, "sums") or b"").decode()
    if bucket is None:
        redis.hdel(HELD, "sums", "sums_from")
    elif bucket.identity != known:
        redis.hset(HELD, mapping={"sums": bucket.identity, "sums_from": now_ms + MAX_AHEAD_MS})
    elif bucket.seconds:
        distrust_sums(redis, until_ms=kept_from(bucket.seconds, now_ms=now_ms))


def distrust_sums(redis: Redis, *, until_ms: int) -> None:
    """Sums of hours up to this event time may be wrong."""
    redis.eval(_DISTRUST, 1, HELD, until_ms)


def note_unsummed(redis: Redis, hours: Iterable[int]) -> None:
    """Points of these hours are about to be sent."""
    if scores := {str(hour): hour for hour in hours}:
        redis.zadd(UNSUMMED, scores)


def note_summed(redis: Redis, hour: int) -> None:
    redis.zrem(UNSUMMED, str(hour))


def may_sum(redis: Redis, *, again_after: int) -> bool:
    """Whether it is time to sum hours; for whoever asks first, once in so many seconds."""
    return bool(redis.set(SUMMED, 1, nx=True, ex=again_after))


def finished_hours(redis: Redis, *, before: int, number: int) -> list[int]:
    """The first hours that are over and not summed."""
    return [int(hour) for hour in cast(Any, redis.zrange(UNSUMMED, 0, number - 1)) if int(hour) < before]


def set_target(redis: Redis, *, target: str) -> None:
    """What is known to be complete was so of one server, written to all the time. Call it where a writer begins: with
    another target, or with none (""), nothing is known to be complete any more."""
    if (redis.hget(HELD, "target") or b"") != target.encode():
        with redis.pipeline() as pipe:
            pipe.hdel(HELD, "complete_from", "bucket", "retention", "remade", "sums", "sums_from")
            pipe.hset(HELD, "target", target)
            pipe.delete(LOOKED, UNSUMMED)
            pipe.execute()


def is_on_target(redis: Redis, *, target: str) -> bool:
    """Whether a writer writes to this target: what happens from now on comes there by itself."""
    return bool(target) and redis.hget(HELD, "target") == target.encode()


def is_paused(redis: Redis) -> bool:
    return bool(redis.exists(PAUSE))


def pause(redis: Redis, *, reason: str, at_least: float = 0) -> bool:
    """Nothing is tried for a while, longer each time, and then the bucket is looked at first: it may be another one.
    Returns whether this is news: the first time, or for another reason than before."""
    with redis.pipeline() as pipe:
        pipe.hget(TROUBLE, "reason")
        pipe.hset(TROUBLE, "reason", reason)
        pipe.hincrby(TROUBLE, "tries", 1)
        pipe.expire(TROUBLE, TROUBLE_SECONDS)
        pipe.delete(LOOKED)
        before, _, tries, _, _ = pipe.execute()
    wait = PAUSES[tries - 1] if tries <= len(PAUSES) else AWAY_PAUSE
    redis.set(PAUSE, 1, px=int(min(max(wait, at_least), LONGEST_PAUSE) * 1000))
    return before is None or before.decode() != reason


def clear_failure(redis: Redis) -> bool:
    """InfluxDB took something. Returns whether that is news."""
    return bool(redis.delete(TROUBLE))


def backlog_status(redis: Redis | None = None) -> BacklogStatus:
    """One round trip. Raises redis.RedisError."""
    if redis is None:
        with connect() as link:
            return backlog_status(link)
    pairs, first, reason, hour = cast(Any, redis.eval(_STANDING, 4, HELD, WAITING, TROUBLE, UNSUMMED))
    held = dict(zip(pairs[::2], pairs[1::2], strict=True))

    def number(name: bytes) -> int | None:
        return int(held[name]) if name in held else None

    return BacklogStatus(
        waiting=number(b"points") or 0,
        oldest=int(first.partition(b"-")[0]) if first else None,
        bucket=held.get(b"bucket", b"").decode(),
        retention=number(b"retention") or 0,
        sums_from=number(b"sums_from"),
        unsummed=int(hour) if hour else None,
        remade=number(b"remade"),
        complete_from=number(b"complete_from"),
        dropped=number(b"dropped") or 0,
        dropped_since=number(b"dropped_since"),
        refused=number(b"refused") or 0,
        refused_until=number(b"refused_until"),
        refusal=held.get(b"refusal", b"").decode(),
        expired=number(b"expired") or 0,
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


def newest_entry(redis: Redis) -> str:
    """The id of what was laid down last; "" where nothing waits."""
    found = cast(Any, redis.xrevrange(WAITING, count=1))
    return found[0][0].decode() if found else ""


def waits_up_to(redis: Redis, entry: str) -> bool:
    """Whether this entry, or one before it, still waits."""
    return bool(redis.xrange(WAITING, max=entry, count=1)) if entry else False


def call_complete(redis: Redis, *, since_ms: int, before: BacklogStatus) -> bool:
    """From this event time on the bucket has every point: somebody has written them all, but for those that were
    refused since that began (`before`: how it was then). False, and nothing is noted, where points were dropped."""
    now = backlog_status(redis)
    if now.dropped != before.dropped:
        return False
    if now.refused != before.refused:
        since_ms = max(since_ms, (now.refused_until or 0) + 1)
    with redis.pipeline() as pipe:
        pipe.hdel(HELD, "remade")
        if now.complete_from is None or since_ms < now.complete_from:
            pipe.hset(HELD, "complete_from", since_ms)
        if now.dropped_since is None or since_ms <= now.dropped_since:
            pipe.hdel(HELD, "dropped", "dropped_since")
            if now.refused == before.refused:
                pipe.hdel(HELD, "refused", "refused_until", "refusal", "expired")
        pipe.execute()
    return True
