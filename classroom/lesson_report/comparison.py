"""Compare the lessons of a span side by side.

Students, runs and errors come from the sums that PostgreSQL keeps (`classroom.lesson_report.lessons`); only the hardest
cells are counted from the runs. They are those of the lesson's report: the first of `cells.hardest`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from classroom.base.classrooms import Classroom
from classroom.base.display import cell_number
from classroom.base.spans import Span
from classroom.lesson_report.cells import FEW, MIN_STUDENTS, SCOPE
from classroom.lesson_report.help import WAITED
from classroom.lesson_report.lessons import LESSONS_GIVEN, Lesson, edges_of, full_lessons, lessons_of
from core.postgres import fetch_all

MAX_LESSONS = 400  # in a span: more than one on each of its days
HARDEST = 3

HELP = f"""{LESSONS_GIVEN}
SELECT lesson, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY {WAITED})
FROM lessons JOIN help_requests ON asked_at >= since AND asked_at < until
WHERE student_id IN (SELECT unnest(%(students)s::bigint[])) {SCOPE} GROUP BY 1
"""  # noqa: S608

# As TRIES and CELLS of `cells`, for each lesson; the number of a cell as in `places`.
CELLS = f"""{LESSONS_GIVEN}, runs AS (
  SELECT lesson, student_id, cell_id, notebook_id, status, executed_at, e.id, cell_type, cell_index,
         min(executed_at) FILTER (WHERE status = 'success') OVER (PARTITION BY lesson, student_id, cell_id) AS solved_at
  FROM lessons JOIN cell_executions e ON executed_at >= since AND executed_at < until
  WHERE status <> 'aborted' AND student_id IN (SELECT unnest(%(students)s::bigint[])) {SCOPE}
), tries AS (
  SELECT lesson, student_id, cell_id, notebook_id, bool_or(status = 'success') AS solved, count(*) AS tries,
         count(*) FILTER (WHERE status = 'error') AS errors
  FROM runs WHERE (solved_at IS NULL OR executed_at <= solved_at) AND coalesce(cell_type, 'code') = 'code'
  GROUP BY 1, 2, 3, 4
), facts AS (
  SELECT lesson, cell_id, notebook_id, count(*) AS students, count(*) FILTER (WHERE errors > 0) AS failed,
         count(*) FILTER (WHERE NOT solved) AS unsolved, percentile_cont(0.5) WITHIN GROUP (ORDER BY tries) AS tries
  FROM tries GROUP BY 1, 2, 3 HAVING count(*) >= %(minimum)s AND count(*) FILTER (WHERE errors > 0) > 0
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY lesson ORDER BY (failed + unsolved)::float / (students + %(few)s) DESC,
                               tries DESC, cell_id) AS rank FROM facts
), places AS (
  SELECT DISTINCT ON (lesson, cell_id) lesson, cell_id, cell_index FROM runs JOIN ranked USING (lesson, cell_id)
  WHERE rank <= %(hardest)s AND cell_index >= 0 ORDER BY lesson, cell_id, executed_at DESC, id DESC
)
SELECT lesson, coalesce(cell_index, c.position), n.name, failed, students
FROM ranked LEFT JOIN places USING (lesson, cell_id) JOIN cells c ON c.id = ranked.cell_id
JOIN notebooks n ON n.id = ranked.notebook_id WHERE rank <= %(hardest)s ORDER BY lesson, rank
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True, slots=True)
class HardCell:
    number: str
    notebook: str
    failed: int  # students
    students: int  # who tried it


@dataclass(frozen=True, kw_only=True, slots=True)
class LessonRow:
    lesson: Lesson
    help_requests: int = 0
    median_wait: timedelta | None = None
    hardest: Sequence[HardCell] = ()

    @property
    def error_share(self) -> float | None:
        return self.lesson.errors / self.lesson.runs if self.lesson.runs else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LessonComparison:
    rows: list[LessonRow]  # newest first
    left_out: int  # times when a few worked on their own
    enrolled: int


def compared_lessons(classroom: Classroom, span: Span, *, now: datetime, with_small: bool = False) -> LessonComparison:
    """Return the lessons in a span; with `with_small` also those with less than a fifth of the class. Six queries."""
    students = list(classroom.students.order_by().values_list("pk", flat=True))
    found = lessons_of(classroom, now=now, span=span, limit=MAX_LESSONS)
    lessons = found if with_small else full_lessons(found, enrolled=len(students))
    named = {**edges_of(lessons), "students": students}
    helped = {lesson: facts for lesson, *facts in _rows(HELP, classroom, {**named, "now": now})}
    limits = {"minimum": MIN_STUDENTS, "few": FEW, "hardest": HARDEST}
    hardest: dict[int, list[HardCell]] = {}
    for lesson, place, notebook, failed, count in _rows(CELLS, classroom, named | limits):
        cell = HardCell(number=cell_number(place), notebook=notebook, failed=failed, students=count)
        hardest.setdefault(lesson, []).append(cell)
    rows = []
    for number, lesson in enumerate(lessons, 1):
        asked, wait = helped.get(number, (0, None))
        rows.append(
            LessonRow(
                lesson=lesson,
                help_requests=asked,
                median_wait=None if wait is None else timedelta(seconds=wait),
                hardest=hardest.get(number, []),
            )
        )
    return LessonComparison(rows=rows, left_out=len(found) - len(lessons), enrolled=len(students))


def _rows(query: str, classroom: Classroom, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    return fetch_all(query.replace(SCOPE, classroom.scope.sql()), named)
