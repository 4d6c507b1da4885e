"""The spans of time up to now that charts of activity offer, for pages and the API."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from events import timeseries
from lms.access import Scope


@dataclass(frozen=True)
class Range:
    """A span of time up to now, and the buckets of its chart."""

    name: str
    bucket: timedelta
    buckets: int

    @property
    def length(self) -> timedelta:
        return self.bucket * self.buckets


HOUR = Range("1h", timedelta(minutes=5), 12)
RANGES = {r.name: r for r in (HOUR, Range("24h", timedelta(hours=1), 24), Range("7d", timedelta(hours=4), 42))}


def range_of(name: str | None) -> Range:
    """Return the range of that name; an unknown name means an hour."""
    return RANGES.get(name or "", HOUR)


def chart(span: Range, only: list[int] | None, now: datetime, *, scope: Scope) -> list[timeseries.Activity]:
    """Return buckets that start at round times; the last one contains now."""
    seconds = int(span.bucket.total_seconds())
    end = datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC)
    return timeseries.activity(since=end - span.length, until=end, bucket=span.bucket, students=only, scope=scope)
