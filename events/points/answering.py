"""Who answers a question: InfluxDB where it is known to hold every point of the span, PostgreSQL otherwise.

InfluxDB is not asked about a span
- that begins before it was written to, or where points were dropped (`complete_from`), or beyond its retention;
- while points wait for longer than LAG, so that nobody sees less than happened;
- for RETRY seconds after it failed to answer within two, so that a slow server slows one page, not each.

Requests for help are tickets, not points: one may have been asked for twenty times, and be dismissed or dated back
later. They are few, and counted in PostgreSQL always.
"""

import logging
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.conf import settings
from redis.exceptions import RedisError

from events.points import flux, server, stored, waiting
from events.points.shapes import Activity, Totals, Work
from lms.access import EVERYTHING, Scope
from realtime.messages import timestamp

logger = logging.getLogger(__name__)

LAG = timedelta(seconds=10)
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

    def from_influxdb() -> list[Activity]:
        emails = None if students is None else stored.addresses(students).values()
        counts = flux.activity(since=since, until=until, bucket=bucket, emails=emails)
        asked = stored.requests_for_help(since=since, until=until, bucket=bucket, students=students, scope=scope)
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
        since,
        from_influxdb,
        lambda: stored.activity(since=since, until=until, bucket=bucket, students=students, scope=scope),
        scope,
    )


def totals(
    *, since: datetime, until: datetime, students: Collection[int] | None = None, scope: Scope = EVERYTHING
) -> Totals:
    """What was done from `since` up to `until`; by these students, or by all. At most one query."""

    def from_influxdb() -> Totals:
        emails = None if students is None else stored.addresses(students).values()
        return flux.totals(since=since, until=until, emails=emails)

    return _answer(
        since, from_influxdb, lambda: stored.totals(since=since, until=until, students=students, scope=scope), scope
    )


def per_student(
    *, since: datetime, until: datetime, students: Collection[int], scope: Scope = EVERYTHING
) -> dict[int, Work]:
    """What each of these students did; those who ran nothing are left out. One query."""
    return _answer(
        since,
        lambda: flux.per_student(since=since, until=until, emails=stored.addresses(students)),
        lambda: stored.per_student(since=since, until=until, students=students, scope=scope),
        scope,
    )


def _answer(
    since: datetime, from_influxdb: Callable[[], Answer], from_rows: Callable[[], Answer], scope: Scope
) -> Answer:
    # Points do not say through which class they came: what one class sees is counted in PostgreSQL.
    if scope == EVERYTHING and server.is_configured() and trust.is_due() and _holds(since, now=datetime.now(UTC)):
        try:
            answer = from_influxdb()
        except server.unanswered() + NO_SENSE as error:
            trust.lose(error)
        else:
            trust.regain()
            return answer
    return from_rows()


def _holds(since: datetime, *, now: datetime) -> bool:
    """Whether InfluxDB has every point from then on. One round trip to Redis."""
    try:
        standing = waiting.standing()
    except RedisError:
        return False
    if standing.complete_from is None or standing.reason:
        return False
    begins = datetime.fromtimestamp(standing.complete_from / 1000, UTC)
    if since < max(begins, now - timedelta(days=settings.INFLUXDB_RETENTION_DAYS)):
        return False
    return standing.oldest is None or now.timestamp() - standing.oldest / 1000 < LAG.total_seconds()
