"""The buckets of a chart over any span: from minutes to weeks, by the clock and the calendar of the pages. Pure.

A chart has at most about 120. Hours and days begin where the clock of the zone says, so that a day on which clocks are
put forward or back has 23 or 25 hours. The first and the last bucket are cut where the span begins and ends.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo

from classroom.base.spans import Span

# Up to this length of the span, buckets of this length; None for weeks.
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS = (
    (2 * HOUR, timedelta(minutes=5)), (6 * HOUR, timedelta(minutes=15)), (2 * DAY, HOUR), (8 * DAY, 6 * HOUR),
    (120 * DAY, DAY),
)  # fmt: skip
WEEK = 7 * DAY


def step_of(span: Span) -> timedelta:
    return next((step for longest, step in STEPS if span.length <= longest), WEEK)


def edges_of(span: Span, *, zone: tzinfo) -> list[datetime]:
    """Return where the buckets begin, and the end of the last one; in UTC."""
    step = step_of(span)
    found = [span.since]
    for moment in _short(span, step) if step < 6 * HOUR else _by_calendar(span, step, zone):
        if found[-1] < moment < span.until:
            found.append(moment)
    return [*found, span.until]


def _short(span: Span, step: timedelta) -> list[datetime]:
    """Return the whole steps since the epoch; no zone's offset differs from them by less than a quarter of an hour."""
    first = span.since - timedelta(seconds=span.since.timestamp() % step.total_seconds())
    return [first + number * step for number in range(int(span.length / step) + 2)]


def _by_calendar(span: Span, step: timedelta, zone: tzinfo) -> list[datetime]:
    """Return the whole steps of the zone's calendar; weeks begin on Monday."""
    first = span.since.astimezone(zone).date()
    if step == WEEK:
        first -= timedelta(days=first.weekday())
    midnight = datetime.combine(first, time.min)
    count = int((span.length + WEEK) / step) + 2
    return [(midnight + number * step).replace(tzinfo=zone).astimezone(UTC) for number in range(count)]
