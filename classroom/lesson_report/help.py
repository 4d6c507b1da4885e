"""Compute the waiting times of the help requests in a lesson, by helper."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from classroom.lesson_report.lessons import Lesson
from core.postgres import fetch_all
from lms.access import Scope

# The helper is the instructor who claimed the request, else the one who ended it. The wait lasts until the claim, else
# until the end, else until now.
WAITED = "greatest(0, extract(epoch FROM coalesce(claimed_at, ended_at, %(now)s) - asked_at))::float"  # seconds
WAITS = """
WITH asked AS (
  SELECT coalesce(claimed_by_id, ended_by_id) AS helper, {waited} AS seconds
  FROM help_requests
  WHERE asked_at >= %(since)s AND asked_at < %(until)s AND student_id IN (SELECT unnest(%(students)s::bigint[])) {scope}
)
SELECT grouping(helper), helper, i.name, count(*), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds)
FROM asked LEFT JOIN instructors i ON i.id = asked.helper
GROUP BY GROUPING SETS ((), (helper, i.name)) ORDER BY 1 DESC, 4 DESC, 3
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """The waits of one helper, of the requests without a helper (`name` is empty), or of all requests."""

    name: str
    requests: int
    median: timedelta | None
    p90: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Help:
    all: Waits
    by: list[Waits]  # by number of requests; those without a helper last


def help_in(students: list[int], lesson: Lesson, *, scope: Scope, now: datetime) -> Help:
    """Return the waits of all requests and of each helper. One query."""
    named = {"students": students, "since": lesson.since, "until": lesson.until, "now": now}
    (_, _, _, count, waits), *rows = fetch_all(WAITS.format(scope=scope.sql(), waited=WAITED), named)
    by = [(helper is None, _waits(name or "", requests, found)) for _, helper, name, requests, found in rows]
    return Help(all=_waits("", count, waits), by=[waits for _, waits in sorted(by, key=lambda row: row[0])])


def _waits(name: str, requests: int, found: list[float] | None) -> Waits:
    median, p90 = (timedelta(seconds=value) for value in found) if found else (None, None)
    return Waits(name=name, requests=requests, median=median, p90=p90)
