"""Erasure of one student's points for privacy requests: first in the buffer, then in InfluxDB."""

import re
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

import msgspec
from django.conf import settings
from redis import Redis

from core.identity import email_key
from events.queue import stream
from events.timeseries.buffer import HELD, WAITING, connect, is_backfilled
from events.timeseries.client import connect as influxdb
from events.timeseries.client import is_configured, unreachable
from events.timeseries.line_protocol import student_tag, tag_value

SENDER = "points:sender"  # the lock of `sender.send_waiting`
SENDER_TIMEOUT, HOLD = 15, 120  # seconds to wait for the sender, and to keep it away
DELETE_MS = 60_000
_USER = re.compile(r",userId=((?:[^,\\]|\\.)*),")  # of line protocol: commas, blanks and = are escaped

_REPLACE = """
-- KEYS: waiting, held.  ARGV: entry id, points and bytes it had, points and lines that stay
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
if tonumber(ARGV[4]) > 0 then redis.call('XADD', KEYS[1], '*', 'n', ARGV[4], 'l', ARGV[5]) end
redis.call('HINCRBY', KEYS[2], 'points', ARGV[4] - ARGV[2])
redis.call('HINCRBY', KEYS[2], 'bytes', (tonumber(ARGV[4]) > 0 and #ARGV[5] or 0) - ARGV[3])
return 1
"""


def erase(spellings: Collection[str], *, cut: Callable[[str], str], now: datetime) -> None:
    """Delete the points of one address in all its known spellings.

    Buffered lines of others stay; `cut` replaces the person's names in them. Nothing is sent meanwhile. Raises
    TimeoutError or one of `client.unreachable`: then repeat it.
    """
    # Older points have the address in lower case as their tag.
    tags = {student_tag(each) for each in spellings} | {tag_value(each.strip().lower()) for each in spellings}
    keys = {email_key(each) for each in spellings}
    with connect() as redis:
        lock = redis.lock(SENDER, timeout=HOLD, blocking_timeout=SENDER_TIMEOUT)
        if not lock.acquire():
            raise TimeoutError("points are being sent")
        try:
            if is_backfilled(redis, now=time.time()):
                raise TimeoutError("influx_backfill is running, and may hold rows of the student: run this after it")
            _remove_buffered(redis, keys, cut)
            if is_configured():
                for tag in sorted(tags):
                    _delete(tag, now)
        finally:
            lock.release()


def _remove_buffered(redis: Redis, keys: Collection[str], cut: Callable[[str], str]) -> None:
    """Write every entry again, because a stream only marks deleted entries, and stores their bytes for a while."""
    entries: list[tuple[bytes, dict[bytes, bytes]]] = redis.xrange(WAITING)  # type: ignore[assignment]
    for entry_id, fields in entries:
        lines = msgspec.json.decode(fields[b"l"], type=list[str])
        rest = [cut(line) for line in lines if not _is_of(line, keys)]
        stays = msgspec.json.encode(rest)
        redis.eval(_REPLACE, 2, WAITING, HELD, entry_id, len(lines), len(fields[b"l"]), len(rest), stays)
    stream.requeue(redis, WAITING)
    # InfluxDB's message about a refused line may quote the line.
    redis.hdel(HELD, "refusal")


def _is_of(line: str, keys: Collection[str]) -> bool:
    found = _USER.search(line)
    return found is not None and email_key(re.sub(r"\\(.)", r"\1", found[1])) in keys


def _delete(tag: str, now: datetime) -> None:
    """Delete the points in both buckets of `buckets`. The second one exists only if it was set up."""
    found = tag.replace("\\", "\\\\").replace('"', '\\"')
    for bucket in (settings.INFLUXDB_BUCKET, f"{settings.INFLUXDB_BUCKET}_hourly"):
        try:
            influxdb(DELETE_MS).delete_api().delete(
                datetime(1970, 1, 1, tzinfo=UTC),
                now + timedelta(days=2),
                f'userId="{found}"',
                bucket=bucket,
                org=settings.INFLUXDB_ORG,
            )
        except unreachable() as error:
            if bucket == settings.INFLUXDB_BUCKET or getattr(error, "status", None) != 404:
                raise
