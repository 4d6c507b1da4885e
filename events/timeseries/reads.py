"""Who answers a question: PostgreSQL, or InfluxDB where that is the cheaper one and known to hold all of the span.

PostgreSQL counts runs when they come in and has them indexed by time: a span of a day costs it some milliseconds, where
InfluxDB, which reads by series, takes a second (measured: decision 9). InfluxDB is asked
- about spans of INFLUXDB_ASK_DAYS and more, and about such that begin before what PostgreSQL still keeps;
- and then by its hourly sums: single points answer only for what is left at both ends, SINGLE at most.

It is not asked about a span
- that begins before it was written to, or where points were dropped or refused (`complete_from`), or beyond its
  retention, or of which the sums are not known to be right (`sums_from`);
- while its bucket is not seen, or points wait for longer than LAG, so that nobody sees less than happened;
- for RETRY seconds after it failed to answer within two, so that a slow server slows one page, not each.

Requests for help are tickets, not points: one may have been asked for twenty times, and be dismissed or dated back
later. They are few, and counted in PostgreSQL always.
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
from events.timeseries.flux import EPOCH, HOUR, Part
from events.timeseries.types import Activity, Totals, Work
from lms.access import EVERYTHING, Scope
from realtime.messages import timestamp

logger = logging.getLogger(__name__)

LAG = timedelta(seconds=10)
SINGLE = timedelta(hours=6)
RETRY = 15.0
NO_SENSE = (ValueError, LookupError, TypeError)  # an answer that can be read and says nothing

Answer = TypeVar("Answer")


class _Trust:
    """Whether InfluxDB answered this process when it was asked last."""

    failed_at: float | None = None

    def is_due(self) -> bool:
        return self.failed_at is None or time.monotonic() - self.failed_at >= RETRY

    def lose(self, error: Exception) -> None:
        if self.failed_at is None:  # said once, not for every page
            logger.warning("InfluxDB does not answer questions (%s); PostgreSQL does", type(error).__name__)
        self.failed_at = time.monotonic()

    def regain(self) -> None:
        if self.failed_at is not None:
            logger.warning("InfluxDB answers questions again")
        self.failed_at = None


trust = _Trust()


def activity(
    *,
    since: datetime,
    until: datetime,
    bucket: timedelta,
    students: Collection[int] | None = None,
    scope: Scope = EVERYTHING,
) -> list[Activity]:
    """The buckets from `since` up to `until`, oldest first, empty ones too; of these students, or of all.

    One query; where InfluxDB answers, one more for addresses if there are `students`.
    """

    def from_influxdb(parts: Sequence[Part]) -> list[Activity]:
        emails = None if students is None else timeseries_sql.addresses(students).values()
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
    """What was done from `since` up to `until`; by these students, or by all. At most one query."""

    def from_influxdb(parts: Sequence[Part]) -> Totals:
        emails = None if students is None else timeseries_sql.addresses(students).values()
        return flux.totals(parts, emails=emails)

    return _answer(
        _parts(since, until, by_hours=True),
        from_influxdb,
        lambda: timeseries_sql.totals(since=since, until=until, students=students, scope=scope),
        scope,
    )


def per_student(
    *, since: datetime, until: datetime, students: Collection[int], scope: Scope = EVERYTHING
) -> dict[int, Work]:
    """What each of these students did; those who ran nothing are left out. One query."""

    def from_influxdb(parts: Sequence[Part]) -> dict[int, Work]:
        [part] = parts
        return flux.per_student(part, emails=timeseries_sql.addresses(students))

    return _answer(
        _parts(since, until, by_hours=False),
        from_influxdb,
        lambda: timeseries_sql.per_student(since=since, until=until, students=students, scope=scope),
        scope,
    )


def _answer(
    parts: Sequence[Part],
    from_influxdb: Callable[[Sequence[Part]], Answer],
    from_rows: Callable[[], Answer],
    scope: Scope,
) -> Answer:
    # Points do not say through which class they came: what one class sees is counted in PostgreSQL.
    if parts and scope == EVERYTHING:
        try:
            answer = from_influxdb(parts)
        except timeseries_client.unanswered() + NO_SENSE as error:
            trust.lose(error)
            _request_probe()
        else:
            trust.regain()
            return answer
    return from_rows()


def _request_probe() -> None:
    """It may not be the bucket that it was."""
    try:
        with timeseries_buffer.connect() as redis:
            timeseries_buffer.request_probe(redis)
    except RedisError:
        pass


def _parts(since: datetime, until: datetime, *, by_hours: bool) -> Sequence[Part]:
    """The questions that InfluxDB is asked about this span; none where PostgreSQL answers. At most one round trip to
    Redis. `by_hours`: whether sums of hours can answer."""
    now = datetime.now(UTC)
    if not timeseries_client.is_configured() or not _is_cheaper(since, until, now) or not trust.is_due():
        return []
    try:
        standing = timeseries_buffer.backlog_status()
    except RedisError:
        return []
    if not standing.bucket or standing.complete_from is None or standing.reason:
        return []
    if standing.oldest is not None and now.timestamp() - standing.oldest / 1000 >= LAG.total_seconds():
        return []
    parts = _cut(since, until, standing, now) if by_hours else [Part(since, until)]
    single = [part for part in parts if not part.of_hours]
    if any(part.since < _kept_from(standing, now) for part in single):
        return []
    if sum((min(part.until, now) - part.since for part in single), timedelta()) > SINGLE:
        return []
    return parts


def _is_cheaper(since: datetime, until: datetime, now: datetime) -> bool:
    if settings.INFLUXDB_ASK_DAYS and until - since >= timedelta(days=settings.INFLUXDB_ASK_DAYS):
        return True
    stored_for = settings.RETENTION_DAYS["executions"]
    return bool(stored_for) and since < now - timedelta(days=stored_for)


def _kept_from(standing: BacklogStatus, now: datetime) -> datetime:
    """From then on InfluxDB has every single point."""
    seconds = settings.INFLUXDB_RETENTION_DAYS * 24 * 3600
    if standing.retention:
        seconds = min(seconds, standing.retention)
    now_ms = int(now.timestamp() * 1000)
    return _moment(max(standing.complete_from or 0, timeseries_client.kept_from(seconds, now_ms=now_ms)))


def _cut(since: datetime, until: datetime, standing: BacklogStatus, now: datetime) -> list[Part]:
    """Whole hours that are summed, and what is left."""
    first = since + (EPOCH - since) % HOUR
    last = min(until, now)
    if standing.unsummed is not None:
        last = min(last, EPOCH + standing.unsummed * HOUR)
    last -= (last - EPOCH) % HOUR
    if standing.sums_from is None or first < _moment(standing.sums_from) or last <= first:
        return [Part(since, until)]
    found = [Part(since, first), Part(first, last, of_hours=True), Part(last, until)]
    return [part for part in found if part.since < part.until]


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
