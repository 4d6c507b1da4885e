"""The buffer of points for InfluxDB, in Redis. It is bounded, and a point is removed only after InfluxDB has it.

It is bounded by count, by bytes, and by the memory of Redis (`stream.COMMON`). When it is full, new points are dropped
and old ones stay. So InfluxDB lacks one period with a known start and end, which can be written again from PostgreSQL
(`influx_backfill --since`). Dropping the oldest points would leave a gap of the same size, at a higher cost.

Keys:

    points:waiting   stream   an entry for each batch: n = number of points, l = JSON list of lines
    points:held      hash     points, bytes: totals of all entries
                              target: the address and bucket that this hash is about
                              bucket: id and creation (ms) of the bucket when it was last checked
                              retention: of that bucket in seconds; 0 = for ever
                              remade: creation (ms) of a bucket that replaced another one, until a backfill
                              complete_from: from this event time (ms) on, every point is in the bucket or the buffer
                              dropped, dropped_since: number of dropped points, and their earliest event time (ms)
                              refused, refused_until, refusal: number of lines that InfluxDB refused, their newest
                              event time (ms), and its last message
                              expired: number of points older than the retention
                              sums: id and creation of the bucket of hourly sums
                              sums_from: the sums of hours that begin at this event time (ms) or later are correct,
                              except those in points:unsummed
    points:unsummed  sorted set   hours (since the epoch) of which points were sent since they were summed
    points:summed    string   no hours are summed before this expires
    points:looked    string   the bucket is not checked before this expires
    points:trouble   hash     tries, reason; while writes fail; expires TROUBLE_SECONDS after the last failure
    points:pause     string   no write is tried before this expires
    points:sender    string   token of the process that sends (`sender`)
    points:backfills sorted set   each running `influx_backfill`, by the time (s) at which it counts as dead; expires
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from django.conf import settings
from redis import Redis

from core.redis import blocking_client
from events.contract.schema import MAX_AHEAD_MS
from events.timeseries import buffer_scripts as scripts
from events.timeseries.client import Bucket, kept_from
from events.timeseries.line_protocol import time_of

WAITING, HELD, TROUBLE, PAUSE = "points:waiting", "points:held", "points:trouble", "points:pause"
PROBED, UNSUMMED, SUMMED = "points:looked", "points:unsummed", "points:summed"
PROBE_SECONDS = 60  # between two checks of the bucket, unless one is requested earlier
BACKFILLS = "points:backfills"
BACKFILL_SECONDS = 120  # after its last update, a backfill counts as dead
LINES_AN_ENTRY = 1_000
TROUBLE_SECONDS = 600
# Seconds before the first three retries; after that InfluxDB counts as down.
PAUSES = (1, 2, 4)
AWAY_PAUSE = 15  # seconds
MAX_PAUSE = 60  # seconds


@dataclass(frozen=True, slots=True)
class BufferEntry:
    id: str
    lines: list[str]
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BacklogStatus:
    """The state of the buffer. Times are in milliseconds since the epoch."""

    waiting: int = 0
    oldest: int | None = None  # when the first of them was buffered
    bucket: str = ""  # "" if InfluxDB has none
    retention: int = 0  # seconds; 0 = for ever
    sums_from: int | None = None  # event time from which hourly sums are correct; None without sums
    unsummed: int | None = None  # the first hour (since the epoch) whose sums are not correct
    remade: int | None = None  # creation of a bucket that replaced another one, until a backfill
    complete_from: int | None = None  # by event time; None if nothing was ever written
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
    """Buffer these lines, in one round trip. Return how many were dropped because the buffer is full."""
    parts = [lines[start : start + LINES_AN_ENTRY] for start in range(0, len(lines), LINES_AN_ENTRY)]
    with redis.pipeline(transaction=False) as pipe:
        for part in parts:
            times = [time_of(line) for line in part]
            pipe.eval(
                scripts.ADD, 2, WAITING, HELD, settings.INFLUXDB_WAITING_LIMIT, settings.INFLUXDB_WAITING_BYTES,
                len(part), msgspec.json.encode(part), min(times), max(times), now_ms + MAX_AHEAD_MS,
            )  # fmt: skip
        kept = pipe.execute()
    return sum(len(part) for part, is_kept in zip(parts, kept, strict=True) if not is_kept)


def oldest(redis: Redis, *, lines: int) -> list[BufferEntry]:
    """Return the oldest entries, with about so many lines in total, and at least one entry if there is any."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.xlen(WAITING)
        pipe.hget(HELD, "points")
        entries, points = pipe.execute()
    # Entries have between one line and a thousand: estimate their number from the mean.
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
    """Remove entries that InfluxDB has. May be repeated."""
    args = [value for entry in entries for value in (entry.id, len(entry.lines), entry.bytes)]
    redis.eval(scripts.REMOVE, 2, WAITING, HELD, *args)


def count_refused(redis: Redis, number: int, *, reason: str, until_ms: int | None) -> None:
    """Count refused lines. Up to the newest of them InfluxDB stays incomplete.

    `until_ms` is its event time, or None if none of the lines is about a student.
    """
    redis.eval(scripts.REFUSED, 1, HELD, number, reason, "" if until_ms is None else until_ms)


def count_expired(redis: Redis, number: int) -> None:
    """Count expired points. The bucket is complete without them, because no query goes beyond its retention."""
    redis.hincrby(HELD, "expired", number)


def is_probed(redis: Redis) -> bool:
    return bool(redis.exists(PROBED))


def request_probe(redis: Redis) -> None:
    """Have the bucket checked before the next send, because it may have been replaced or deleted."""
    redis.delete(PROBED)


def postpone_probe(redis: Redis, *, seconds: int) -> None:
    redis.set(PROBED, 1, ex=seconds)


def record_bucket(redis: Redis, bucket: Bucket | None, *, now_ms: int) -> bool:
    """Record the checked bucket. If it was replaced, only points from now on are complete in it: return True then.

    A bucket seen for the first time counts as the one written to, unless it is younger than the points that should be
    in it. If there is no bucket, the state of the last one stays, because it may come back.
    """
    postpone_probe(redis, seconds=PROBE_SECONDS)
    if bucket is None:
        return False
    keeps_from = kept_from(bucket.seconds, now_ms=now_ms)
    args = (bucket.identity, bucket.made, bucket.seconds, now_ms + MAX_AHEAD_MS, keeps_from)
    return bool(redis.eval(scripts.BUCKET, 1, HELD, *args))


def record_sums_bucket(redis: Redis, bucket: Bucket | None, *, now_ms: int) -> None:
    """Record the checked bucket of hourly sums. In a new one, only the sums from now on are known to be correct."""
    known = cast("bytes", redis.hget(HELD, "sums") or b"").decode()
    if bucket is None:
        redis.hdel(HELD, "sums", "sums_from")
    elif bucket.identity != known:
        redis.hset(HELD, mapping={"sums": bucket.identity, "sums_from": now_ms + MAX_AHEAD_MS})
    elif bucket.seconds:
        invalidate_sums(redis, until_ms=kept_from(bucket.seconds, now_ms=now_ms))


def invalidate_sums(redis: Redis, *, until_ms: int) -> None:
    """Record that sums of hours up to this event time may be wrong."""
    redis.eval(scripts.INVALIDATE_SUMS, 1, HELD, until_ms)


def mark_unsummed(redis: Redis, hours: Iterable[int]) -> None:
    """Record that points of these hours are about to be sent."""
    if scores := {str(hour): hour for hour in hours}:
        redis.zadd(UNSUMMED, scores)


def mark_summed(redis: Redis, hour: int) -> None:
    redis.zrem(UNSUMMED, str(hour))


def may_sum(redis: Redis, *, again_after: int) -> bool:
    """Return True for the first caller in each period of `again_after` seconds."""
    return bool(redis.set(SUMMED, 1, nx=True, ex=again_after))


def finished_hours(redis: Redis, *, before: int, number: int) -> list[int]:
    """Return the first finished hours that are not summed."""
    return [int(hour) for hour in cast(Any, redis.zrange(UNSUMMED, 0, number - 1)) if int(hour) < before]


def set_target(redis: Redis, *, target: str) -> None:
    """Record the target of a starting writer. If it changed, or is "", nothing is known to be complete any more."""
    if (redis.hget(HELD, "target") or b"") != target.encode():
        with redis.pipeline() as pipe:
            pipe.hdel(HELD, "complete_from", "bucket", "retention", "remade", "sums", "sums_from")
            pipe.hset(HELD, "target", target)
            pipe.delete(PROBED, UNSUMMED)
            pipe.execute()


def is_on_target(redis: Redis, *, target: str) -> bool:
    """Return whether a writer writes new points to this target."""
    return bool(target) and redis.hget(HELD, "target") == target.encode()


def is_paused(redis: Redis) -> bool:
    return bool(redis.exists(PAUSE))


def pause(redis: Redis, *, reason: str, at_least: float = 0) -> bool:
    """Pause writes, longer each time, and have the bucket checked afterwards, because it may have been replaced.

    Return whether this is the first pause, or has another reason than the last one.
    """
    with redis.pipeline() as pipe:
        pipe.hget(TROUBLE, "reason")
        pipe.hset(TROUBLE, "reason", reason)
        pipe.hincrby(TROUBLE, "tries", 1)
        pipe.expire(TROUBLE, TROUBLE_SECONDS)
        pipe.delete(PROBED)
        before, _, tries, _, _ = pipe.execute()
    wait = PAUSES[tries - 1] if tries <= len(PAUSES) else AWAY_PAUSE
    redis.set(PAUSE, 1, px=int(min(max(wait, at_least), MAX_PAUSE) * 1000))
    return before is None or before.decode() != reason


def clear_failure(redis: Redis) -> bool:
    """Clear the failure after a successful write. Return whether there was one."""
    return bool(redis.delete(TROUBLE))


def backlog_status(redis: Redis | None = None) -> BacklogStatus:
    """Return the state of the buffer. One round trip. Raises redis.RedisError."""
    if redis is None:
        with connect() as link:
            return backlog_status(link)
    pairs, first, reason, hour = cast(Any, redis.eval(scripts.STATUS, 4, HELD, WAITING, TROUBLE, UNSUMMED))
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


def record_backfill(redis: Redis, name: str, *, now: float) -> None:
    """Record a running backfill, whose rows in memory may have been deleted from PostgreSQL meanwhile.

    Call this before it reads, and repeatedly while it runs.
    """
    with redis.pipeline() as pipe:
        pipe.zadd(BACKFILLS, {name: now + BACKFILL_SECONDS})
        pipe.expire(BACKFILLS, BACKFILL_SECONDS)
        pipe.execute()


def end_backfill(redis: Redis, name: str) -> None:
    redis.zrem(BACKFILLS, name)


def is_backfilled(redis: Redis, *, now: float) -> bool:
    return bool(redis.zcount(BACKFILLS, now, "inf"))


def newest_entry(redis: Redis) -> str:
    """Return the id of the newest entry, or "" if the buffer is empty."""
    found = cast(Any, redis.xrevrange(WAITING, count=1))
    return found[0][0].decode() if found else ""


def waits_up_to(redis: Redis, entry: str) -> bool:
    """Return whether this entry or an older one is still in the buffer."""
    return bool(redis.xrange(WAITING, max=entry, count=1)) if entry else False


def mark_complete(redis: Redis, *, since_ms: int, before: BacklogStatus) -> bool:
    """Record that the bucket has every point from this event time on, except those refused during the backfill.

    `before` is the state at its start. Record nothing and return False if points were dropped meanwhile.
    """
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
