"""Detect the lessons of a class from its runs, so that no timetable is needed.

Runs of the class without a pause of more than 45 minutes are one lesson; a single student does not make a lesson.
Aborted runs do not count. In a large class somebody is always at work: five minutes in which less than one in fifty
students ran something are a pause too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.spans import LONGEST, Span, start_of
from core.postgres import fetch_all
from events.counted_runs import COUNTED_SQL
from events.models import RunCount

PAUSE = timedelta(minutes=45)
LOOK_BACK = timedelta(days=28)
MAX_LESSONS = 12
MIN_STUDENTS = 2
MIN_SHARE = 0.2  # of the class, for a lesson to be the default, and
MIN_PEAK = 0.1  # of the class in the same five minutes: homework reaches many, but not at once
MIN_CROWD = 0.02  # of the class in five minutes that are no pause
SLOT = timedelta(seconds=RunCount.SLOT_SECONDS)

# `run_counts` says when the class ran something, to five minutes, with one row where there may be a hundred runs: it
# separates parts whose busy slots are 45 minutes apart, so that the pause is of 40 minutes or more. When the parts
# begin and end is then looked up among the runs of their first and last slots, and parts with less than a pause between
# them are put together again. All runs in the slots of a lesson belong to it, so that its sums are exact.
LESSONS = """
WITH slots AS (
  SELECT slot, student_id, sum(runs) AS runs, sum(errors) AS errors FROM run_counts
  WHERE slot >= %(since)s AND slot < %(until)s AND runs > 0
    AND student_id IN (SELECT unnest(%(students)s::bigint[])) {scope} GROUP BY 1, 2
), crowds AS (
  SELECT slot, count(*) AS crowd, count(*) >= %(crowd)s AS is_busy FROM slots GROUP BY 1
), begun AS (
  SELECT *, (is_busy AND slot - max(slot) FILTER (WHERE is_busy) OVER (
               ORDER BY slot ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) >= %(pause)s)::int AS is_new FROM crowds
), numbered AS (
  SELECT slot, crowd, is_busy, coalesce(sum(is_new) OVER (ORDER BY slot), 0) AS part FROM begun
), parts AS (
  SELECT part, min(slot) FILTER (WHERE is_busy) AS head, max(slot) FILTER (WHERE is_busy) AS tail, max(crowd) AS peak
  FROM numbered GROUP BY 1 HAVING bool_or(is_busy)
), exact AS (
  SELECT *,
    coalesce((SELECT min(executed_at) FROM cell_executions
              WHERE executed_at >= head AND executed_at < head + %(slot)s {ours}), head) AS first,
    coalesce((SELECT max(executed_at) FROM cell_executions
              WHERE executed_at >= tail AND executed_at < tail + %(slot)s {ours}), tail) AS last
  FROM parts
), apart AS (
  SELECT *, (first - lag(last) OVER (ORDER BY part) > %(pause)s)::int AS is_new FROM exact
), joined AS (
  SELECT *, coalesce(sum(is_new) OVER (ORDER BY part), 0) AS lesson FROM apart
), lessons AS (
  SELECT lesson, min(first) AS first, max(last) AS last, min(head) AS head, max(tail) AS tail, max(peak) AS peak
  FROM joined GROUP BY 1
)
SELECT lessons.first, lessons.last, count(DISTINCT student_id), sum(runs)::bigint, sum(errors)::bigint, lessons.peak
FROM slots JOIN numbered USING (slot) JOIN joined USING (part) JOIN lessons USING (lesson)
WHERE slot BETWEEN lessons.head AND lessons.tail GROUP BY lesson, lessons.first, lessons.last, lessons.peak
HAVING count(DISTINCT student_id) >= %(minimum)s ORDER BY 1 DESC LIMIT %(maximum)s
"""
# The beginning of a statement about several lessons, numbered from 1; `edges_of` has its parameters.
LESSONS_GIVEN = """WITH lessons AS (
  SELECT * FROM unnest(%(since)s::timestamptz[], %(until)s::timestamptz[]) WITH ORDINALITY AS l(since, until, lesson)
)"""
OURS = f"AND {COUNTED_SQL} AND student_id IN (SELECT unnest(%(students)s::bigint[])) {{scope}}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson(Span):
    """A lesson. `students` is 0 if the URL named a span that was not detected as one.

    `peak` is the largest number of students who ran something in the same five minutes.
    """

    students: int = 0
    peak: int = 0
    runs: int = 0
    errors: int = 0


def lessons_of(
    classroom: Classroom, *, now: datetime, span: Span | None = None, limit: int = MAX_LESSONS
) -> list[Lesson]:
    """Return the detected lessons, newest first; those of the last four weeks if no span is given. Three queries."""
    students = list(classroom.students.order_by().values_list("pk", flat=True))
    scope, minute = classroom.scope.sql(), timedelta(minutes=1)
    named: dict[str, Any] = {
        "students": students, "since": span.since if span else now - LOOK_BACK,
        "until": min(span.until, now + minute) if span else now + minute, "pause": PAUSE, "slot": SLOT,
        "minimum": min(MIN_STUDENTS, max(1, len(students))), "maximum": limit,
        "crowd": max(1, ceil(MIN_CROWD * len(students))),
    }  # fmt: skip
    rows = fetch_all(LESSONS.format(scope=scope, ours=OURS.format(scope=scope)), named)
    return [
        Lesson(since=_floor(first), until=_floor(last) + minute, students=count, runs=runs, errors=errors, peak=peak)
        for first, last, count, runs, errors, peak in rows
    ]


def edges_of(lessons: Sequence[Lesson]) -> dict[str, Any]:
    """Return the parameters of LESSONS_GIVEN."""
    return {"since": [each.since for each in lessons], "until": [each.until for each in lessons]}


def full_lessons(lessons: Sequence[Lesson], *, enrolled: int) -> list[Lesson]:
    """Return the lessons with a fifth of the class, half of them at once; in the others some worked on their own."""
    return [each for each in lessons if each.students >= MIN_SHARE * enrolled and each.peak >= MIN_PEAK * enrolled]


def chosen_lesson(text: str, lessons: Sequence[Lesson], *, enrolled: int) -> Lesson | None:
    """Return the lesson that `?lesson=` names, by default the newest with a fifth of the class; None if there is none.

    `text` is a day (`2026-11-21`) or from–to (`2026-11-21T10:00/2026-11-21T11:30`; a time without an offset is in the
    server's time zone).
    """
    if not text:
        return next(iter([*full_lessons(lessons, enrolled=enrolled), *lessons]), None)
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
