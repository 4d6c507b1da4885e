"""Detect the lessons of a class from its runs, so that no timetable is needed.

Runs of the class without a pause of more than 45 minutes are one lesson; a single student does not make a lesson. The
cost is that of reading four weeks of the class's runs, which PostgreSQL groups into five-minute steps.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.spans import LONGEST, Span, start_of

PAUSE = timedelta(minutes=45)
LOOK_BACK = timedelta(days=28)
MAX_LESSONS = 12
MIN_STUDENTS = 2
MIN_SHARE = 0.2  # of the class, for a lesson to be the default

LESSONS = """
WITH steps AS (
  SELECT date_bin('5 minutes', executed_at, '2001-01-01Z') AS step, student_id,
         count(*) FILTER (WHERE status <> 'aborted') AS runs, min(executed_at) AS first, max(executed_at) AS last
  FROM cell_executions WHERE student_id IN (SELECT unnest(%(students)s::bigint[])) AND executed_at >= %(since)s
    AND executed_at <= %(now)s {scope} GROUP BY 1, 2
), together AS (
  SELECT step, min(first) AS first, max(last) AS last FROM steps GROUP BY 1
), begun AS (
  SELECT step, (first - lag(last) OVER (ORDER BY step) > %(pause)s)::int AS is_new FROM together
), numbered AS (
  SELECT step, coalesce(sum(is_new) OVER (ORDER BY step), 0) AS number FROM begun
)
SELECT min(first), max(last), count(DISTINCT student_id), sum(runs)::bigint
FROM steps JOIN numbered USING (step) GROUP BY number
HAVING count(DISTINCT student_id) >= %(minimum)s ORDER BY 1 DESC LIMIT %(maximum)s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson(Span):
    """A lesson. `students` is 0 if the URL named a span that was not detected as one."""

    students: int = 0
    runs: int = 0


def lessons_of(classroom: Classroom, *, now: datetime) -> list[Lesson]:
    """Return the detected lessons, newest first. Two queries."""
    students = list(classroom.students.order_by().values_list("pk", flat=True))
    named: dict[str, Any] = {
        "students": students, "since": now - LOOK_BACK, "now": now, "pause": PAUSE,
        "minimum": min(MIN_STUDENTS, max(1, len(students))), "maximum": MAX_LESSONS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(LESSONS.format(scope=classroom.scope.sql()), named)
        rows = cursor.fetchall()
    minute = timedelta(minutes=1)
    return [
        Lesson(since=_floor(first), until=_floor(last) + minute, students=count, runs=runs)
        for first, last, count, runs in rows
    ]


def chosen_lesson(text: str, lessons: Sequence[Lesson], *, enrolled: int) -> Lesson | None:
    """Return the lesson that `?lesson=` names, by default the newest with a fifth of the class; None if there is none.

    `text` is a day (`2026-11-21`) or from–to (`2026-11-21T10:00/2026-11-21T11:30`; a time without an offset is in the
    server's time zone).
    """
    if not text:
        return next(
            (each for each in lessons if each.students >= MIN_SHARE * enrolled), lessons[0] if lessons else None
        )
    parts = re.split(r"\s*(?:/|–|--)\s*", text.strip()[:100])
    try:
        if len(parts) == 1:
            return _of_day(date.fromisoformat(parts[0]), lessons)
        since, until = (_moment(part) for part in parts)
    except ValueError:
        return None
    if not timedelta(0) < until - since <= LONGEST:
        return None
    return lesson_at(Span(since, until), lessons)


def lesson_at(span: Span, lessons: Sequence[Lesson]) -> Lesson:
    """Return the detected lesson of exactly this span, otherwise one that says that it was not detected."""
    named = Lesson(since=span.since, until=span.until)
    return next((each for each in lessons if (each.since, each.until) == (span.since, span.until)), named)


def _of_day(day: date, lessons: Sequence[Lesson]) -> Lesson:
    """Return the lesson of that day with most students, or the whole day without one. Raises ValueError."""
    if not 1970 < day.year < 9999:
        raise ValueError(day)
    zone = timezone.get_current_timezone()
    known = [each for each in lessons if each.since.astimezone(zone).date() == day]
    if known:
        return max(known, key=lambda each: each.students)
    return Lesson(since=start_of(day), until=start_of(day + timedelta(days=1)))


def _moment(text: str) -> datetime:
    """Parse a time. Raises ValueError, also for years near the limits, whose midnight in UTC may not exist."""
    found = datetime.fromisoformat(text.replace(" ", "+"))
    if not 1970 < found.year < 9999:
        raise ValueError(text)
    return (found if found.tzinfo else found.replace(tzinfo=timezone.get_current_timezone())).astimezone(UTC)


def _floor(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
