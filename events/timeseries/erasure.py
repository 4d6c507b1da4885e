"""Deleting the points of one student, for privacy requests: those that wait, then those that InfluxDB has."""

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

SENDER = "points:sender"  # `sending`
PATIENCE, HOLD = 15, 120  # seconds to wait for the sender, and to keep it away
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
    """The points of one address in all the spellings that were met. Lines of others that wait stay, with what names
    the person in them replaced by `cut`. Nothing is sent meanwhile. Raises one of `server.unreachable`: then do it
    again."""
    # Before addresses had a key, a tag was the address in lower case.
    tags = {student_tag(each) for each in spellings} | {tag_value(each.strip().lower()) for each in spellings}
    keys = {email_key(each) for each in spellings}
    with connect() as redis:
        lock = redis.lock(SENDER, timeout=HOLD, blocking_timeout=PATIENCE)
        if not lock.acquire():
            raise TimeoutError("points are being sent")
        try:
            if is_backfilled(redis, now=time.time()):
                raise TimeoutError("influx_backfill is running, and may hold rows of the student: run this after it")
            _take_out(redis, keys, cut)
            if is_configured():
                for tag in sorted(tags):
                    _delete(tag, now)
        finally:
            lock.release()


def _take_out(redis: Redis, keys: Collection[str], cut: Callable[[str], str]) -> None:
    """Every entry is laid down anew: a stream only marks what is deleted, and keeps its bytes for a while."""
    entries: list[tuple[bytes, dict[bytes, bytes]]] = redis.xrange(WAITING)  # type: ignore[assignment]
    for entry_id, fields in entries:
        lines = msgspec.json.decode(fields[b"l"], type=list[str])
        rest = [cut(line) for line in lines if not _is_of(line, keys)]
        stays = msgspec.json.encode(rest)
        redis.eval(_REPLACE, 2, WAITING, HELD, entry_id, len(lines), len(fields[b"l"]), len(rest), stays)
    stream.requeue(redis, WAITING)
    # What InfluxDB said of a line it refused may quote the line.
    redis.hdel(HELD, "refusal")


def _is_of(line: str, keys: Collection[str]) -> bool:
    said = _USER.search(line)
    return said is not None and email_key(re.sub(r"\\(.)", r"\1", said[1])) in keys


def _delete(tag: str, now: datetime) -> None:
    """Of both buckets of `buckets`; the second is there only where it was set up."""
    said = tag.replace("\\", "\\\\").replace('"', '\\"')
    for bucket in (settings.INFLUXDB_BUCKET, f"{settings.INFLUXDB_BUCKET}_hourly"):
        try:
            influxdb(DELETE_MS).delete_api().delete(
                datetime(1970, 1, 1, tzinfo=UTC),
                now + timedelta(days=2),
                f'userId="{said}"',
                bucket=bucket,
                org=settings.INFLUXDB_ORG,
            )
        except unreachable() as error:
            if bucket == settings.INFLUXDB_BUCKET or getattr(error, "status", None) != 404:
                raise
