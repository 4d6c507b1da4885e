"""Time series queries: choose PostgreSQL, or InfluxDB if it is cheaper and known to have the whole period.

PostgreSQL counts runs when they are stored, with an index on time: a period of a day takes some milliseconds, while
InfluxDB, which reads by series, takes a second (measured: decision 9). InfluxDB is queried
- for periods of INFLUXDB_ASK_DAYS or more, and for those that begin before PostgreSQL's retention;
- by its hourly sums: single points are read only for the rest at both ends, at most MAX_SINGLE.

It is not queried
- for a period that begins before the first write or before dropped or refused points (`complete_from`), that exceeds
  its retention, or whose sums may be wrong (`sums_from`);
- while its bucket does not exist, or points wait for longer than MAX_LAG, so that the results are complete;
- for RETRY seconds after it failed to answer within two, so that a slow server does not slow every page.

Help requests are always counted in PostgreSQL. They are few, and a request consists of many points and may be dismissed
or backdated later.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.conf import settings
from redis.exceptions import RedisError

from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries import flux
from events.timeseries import sql as timeseries_sql
from events.timeseries.buffer import BacklogStatus
from events.timeseries.flux import EPOCH, HOUR, QueryPart
from events.timeseries.types import Activity, StudentTotals, Totals
from lms.access import EVERYTHING, Scope
from realtime.messages import timestamp

logger = logging.getLogger(__name__)

MAX_LAG = timedelta(seconds=10)
MAX_SINGLE = timedelta(hours=6)
RETRY = 15.0
INVALID_ANSWER = (ValueError, LookupError, TypeError)  # a readable but invalid answer

Answer = TypeVar("Answer")


class _Availability:
    """Whether InfluxDB answered this process's last query."""

    failed_at: float | None = None

    def is_due(self) -> bool:
        return self.failed_at is None or time.monotonic() - self.failed_at >= RETRY

    def record_failure(self, error: Exception) -> None:
        if self.failed_at is None:  # log it once, not for every page
            logger.warning("InfluxDB does not answer questions (%s); PostgreSQL does", type(error).__name__)
        self.failed_at = time.monotonic()

    def record_success(self) -> None:
        if self.failed_at is not None:
            logger.warning("InfluxDB answers questions again")
        self.failed_at = None


availability = _Availability()


def activity(
    *,
    since: datetime,
    until: datetime,
    bucket: timedelta,
    students: Collection[int] | None = None,
    scope: Scope = EVERYTHING,
) -> list[Activity]:
    """Return the buckets from `since` up to `until`, oldest first, including empty ones; of these students, or of all.

    One query; with InfluxDB, one more for addresses if there are `students`.
    """

    def from_influxdb(parts: Sequence[QueryPart]) -> list[Activity]:
        emails = None if students is None else timeseries_sql.addresses(students)
        counts = flux.activity(parts, since=since, bucket=bucket, emails=emails)
        asked = timeseries_sql.requests_for_help(
            since=since, until=until, bucket=bucket, students=students, scope=scope
        )
        found: list[Activity] = []
        start = since
        while start < until:
            runs, errors = counts.get(len(found), (0, 0))
            help_count = asked.get(len(found), 0)
            found.append(
                {
                    "time": timestamp(start),
                    "executionCount": runs,
                    "errorCount": errors,
                    "helpCount": help_count,
                }
            )
            start += bucket
        return found

    return _answer(
        _parts(since, until, by_hours=not (since - EPOCH) % HOUR and not bucket % HOUR),
        from_influxdb,
        lambda: timeseries_sql.activity(since=since, until=until, bucket=bucket, students=students, scope=scope),
        scope,
    )


def totals(
    *, since: datetime, until: datetime, students: Collection[int] | None = None, scope: Scope = EVERYTHING
) -> Totals:
    """Return the totals from `since` up to `until` of these students, or of all. At most one query."""

    def from_influxdb(parts: Sequence[QueryPart]) -> Totals:
        emails = None if students is None else timeseries_sql.addresses(students)
        return flux.totals(parts, emails=emails)

    return _answer(
        _parts(since, until, by_hours=True),
        from_influxdb,
        lambda: timeseries_sql.totals(since=since, until=until, students=students, scope=scope),
        scope,
    )


def per_student(
    *, since: datetime, until: datetime, students: Collection[int], scope: Scope = EVERYTHING
) -> dict[int, StudentTotals]:
    """Return the totals of each of these students, without those who ran nothing. One query."""

    def from_influxdb(parts: Sequence[QueryPart]) -> dict[int, StudentTotals]:
        [part] = parts
        return flux.per_student(part, students=timeseries_sql.addresses(students))

    return _answer(
        _parts(since, until, by_hours=False),
        from_influxdb,
        lambda: timeseries_sql.per_student(since=since, until=until, students=students, scope=scope),
        scope,
    )


def _answer(
    parts: Sequence[QueryPart],
    from_influxdb: Callable[[Sequence[QueryPart]], Answer],
    from_rows: Callable[[], Answer],
    scope: Scope,
) -> Answer:
    # Points do not contain their class, so the activity in one class is counted in PostgreSQL.
    if parts and scope == EVERYTHING:
        try:
            answer = from_influxdb(parts)
        except timeseries_client.unanswered() + INVALID_ANSWER as error:
            availability.record_failure(error)
            _request_probe()
        else:
            availability.record_success()
            return answer
    return from_rows()


def _request_probe() -> None:
    """Request a check of the bucket: it may have been replaced."""
    try:
        with timeseries_buffer.connect() as redis:
            timeseries_buffer.request_probe(redis)
    except RedisError:
        pass


def _parts(since: datetime, until: datetime, *, by_hours: bool) -> Sequence[QueryPart]:
    """Return the parts of the period to query in InfluxDB, or none if PostgreSQL must be used. At most one round trip.

    `by_hours`: whether hourly sums may be used.
    """
    now = _now()
    if not timeseries_client.is_configured() or not _is_cheaper(since, until, now) or not availability.is_due():
        return []
    try:
        status = timeseries_buffer.backlog_status()
    except RedisError:
        return []
    if not status.bucket or status.complete_from is None or status.reason:
        return []
    if status.oldest is not None and now.timestamp() - status.oldest / 1000 >= MAX_LAG.total_seconds():
        return []
    parts = _split(since, until, status, now) if by_hours else [QueryPart(since, until)]
    single = [part for part in parts if not part.of_hours]
    if any(part.since < _kept_from(status, now) for part in single):
        return []
    if sum((min(part.until, now) - part.since for part in single), timedelta()) > MAX_SINGLE:
        return []
    return parts


def _is_cheaper(since: datetime, until: datetime, now: datetime) -> bool:
    if settings.INFLUXDB_ASK_DAYS and until - since >= timedelta(days=settings.INFLUXDB_ASK_DAYS):
        return True
    stored_for = settings.RETENTION_DAYS["executions"]
    return bool(stored_for) and since < now - timedelta(days=stored_for)


def _kept_from(status: BacklogStatus, now: datetime) -> datetime:
    """Return the time from which InfluxDB has every single point."""
    seconds = settings.INFLUXDB_RETENTION_DAYS * 24 * 3600
    if status.retention:
        seconds = min(seconds, status.retention)
    now_ms = int(now.timestamp() * 1000)
    return _moment(max(status.complete_from or 0, timeseries_client.kept_from(seconds, now_ms=now_ms)))


def _split(since: datetime, until: datetime, status: BacklogStatus, now: datetime) -> list[QueryPart]:
    """Split the period into whole hours with sums and the rest."""
    first = since + (EPOCH - since) % HOUR
    last = min(until, now)
    if status.unsummed is not None:
        last = min(last, EPOCH + status.unsummed * HOUR)
    last -= (last - EPOCH) % HOUR
    if status.sums_from is None or first < _moment(status.sums_from) or last <= first:
        return [QueryPart(since, until)]
    found = [QueryPart(since, first), QueryPart(first, last, of_hours=True), QueryPart(last, until)]
    return [part for part in found if part.since < part.until]


def _now() -> datetime:
    return datetime.now(UTC)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
