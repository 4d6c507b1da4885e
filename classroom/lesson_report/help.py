"""Requests for help in a lesson: how long they waited, and who came."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from classroom.lesson_report.lessons import Lesson
from lms.access import Scope

# Somebody came who said so, or who ended the request; where nobody did, the wait lasted until it was over, or now.
WAITS = """
WITH asked AS (
  SELECT coalesce(claimed_by_id, ended_by_id) AS helper,
         greatest(0, extract(epoch FROM coalesce(claimed_at, ended_at, %(now)s) - asked_at))::float AS seconds
  FROM help_requests
  WHERE asked_at >= %(since)s AND asked_at < %(until)s AND student_id IN (SELECT unnest(%(students)s::bigint[])) {scope}
)
SELECT grouping(helper), helper, i.name, count(*), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds)
FROM asked LEFT JOIN instructors i ON i.id = asked.helper
GROUP BY GROUPING SETS ((), (helper, i.name)) ORDER BY 1 DESC, 4 DESC, 3
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """Of one helper, of nobody (`name` is empty), or of all."""

    name: str
    requests: int
    median: timedelta | None
    p90: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Help:
    all: Waits
    by: list[Waits]  # whoever came most often first; nobody last


def help_in(students: list[int], lesson: Lesson, *, scope: Scope, now: datetime) -> Help:
    """One query."""
    with connection.cursor() as cursor:
        named: dict[str, Any] = {"students": students, "since": lesson.since, "until": lesson.until, "now": now}
        cursor.execute(WAITS.format(scope=scope.sql()), named)
        (_, _, _, count, waits), *rows = cursor.fetchall()
    by = [(helper is None, _waits(name or "", requests, found)) for _, helper, name, requests, found in rows]
    return Help(all=_waits("", count, waits), by=[waits for _, waits in sorted(by, key=lambda row: row[0])])


def _waits(name: str, requests: int, found: list[float] | None) -> Waits:
    median, p90 = (timedelta(seconds=value) for value in found) if found else (None, None)
    return Waits(name=name, requests=requests, median=median, p90=p90)
