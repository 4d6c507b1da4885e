"""Compute how difficult the cells of a lesson were and how long they took, from the runs of the lesson alone.

A student's *tries* at a cell are their runs up to the first success; later errors do not count. The *time* at a cell is
the sum of the gaps between each try and the student's previous run of any cell: reading and thinking count for the cell
that is run next. Gaps of more than ten minutes (a lecture, a break) and the time before a student's first run are left
out. Aborted runs are ignored.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from classroom.lesson_report.lessons import Lesson
from classroom.lesson_report.places import Places
from core.postgres import fetch_all
from lms.access import Scope

BREAK = timedelta(minutes=10)
MIN_STUDENTS = 2  # one student alone says nothing about a cell
MAX_CELLS = 2_000
FEW = 4  # students

SCOPE = "/* scope */"  # placeholder for the condition on classes
# One row per student and cell, shared by all statements.
TRIES = """
WITH runs AS (
  SELECT student_id, cell_id, notebook_id, status, executed_at, cell_type,
         executed_at - lag(executed_at) OVER (PARTITION BY student_id ORDER BY executed_at, id) AS gap,
         min(executed_at) FILTER (WHERE status = 'success') OVER (PARTITION BY student_id, cell_id) AS solved_at
  FROM cell_executions
  WHERE executed_at >= %(since)s AND executed_at < %(until)s AND status <> 'aborted'
    AND student_id IN (SELECT unnest(%(students)s::bigint[])) /* scope */
), tries AS (
  SELECT student_id, cell_id, notebook_id, bool_or(status = 'success') AS solved, count(*) AS tries,
         count(*) FILTER (WHERE status = 'error') AS errors,
         extract(epoch FROM sum(gap) FILTER (WHERE gap <= %(break)s))::float AS seconds
  FROM runs WHERE (solved_at IS NULL OR executed_at <= solved_at) AND coalesce(cell_type, 'code') = 'code'
  GROUP BY 1, 2, 3
)
"""

CELLS = f"""{TRIES}
SELECT c.id, c.position, n.name, n.path, f.*
FROM (SELECT cell_id, notebook_id, count(*) AS students, count(*) FILTER (WHERE errors > 0) AS failed,
             count(*) FILTER (WHERE NOT solved) AS unsolved, avg(errors) FILTER (WHERE solved)::float AS errors,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY tries) AS tries,
             percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY seconds)
               FILTER (WHERE seconds IS NOT NULL) AS times
      FROM tries GROUP BY 1, 2 HAVING count(*) >= %(minimum)s) AS f
JOIN cells c ON c.id = f.cell_id JOIN notebooks n ON n.id = f.notebook_id
ORDER BY f.students DESC, c.id LIMIT %(maximum)s
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True, slots=True)
class CellFacts:
    cell_id: int
    number: str
    notebook: str
    notebook_path: str
    students: int  # students who tried it
    failed: int  # students with an error before the first success
    unsolved: int  # students without a success by the end
    errors: float | None  # before the first success: mean of the students with a success
    tries: float  # median
    times: tuple[float, float, float] | None  # seconds: quartile, median, quartile

    @property
    def failed_share(self) -> float:
        return self.failed / self.students

    @property
    def unsolved_share(self) -> float:
        return self.unsolved / self.students


def cells_of(students: list[int], lesson: Lesson, *, scope: Scope, places: Places) -> list[CellFacts]:
    """Return the cells by notebook and position; of more than MAX_CELLS those that most students tried. One query."""
    rows = rows_of(CELLS, students, lesson, scope=scope, minimum=MIN_STUDENTS, maximum=MAX_CELLS)

    def order(row: tuple[Any, ...]) -> tuple[str, bool, int, int]:
        cell_id, position, _, path, *_ = row
        place = places.place(cell_id, position)
        return path, place is None or place < 0, place or 0, cell_id

    return [
        CellFacts(
            cell_id=cell_id,
            number=places.number(cell_id, position),
            notebook=notebook,
            notebook_path=path,
            students=count,
            failed=failed,
            unsolved=unsolved,
            errors=errors,
            tries=tries,
            times=tuple(times) if times else None,
        )
        for cell_id, position, notebook, path, _, _, count, failed, unsolved, errors, tries, times in sorted(
            rows, key=order
        )
    ]


def hardest(cells: list[CellFacts]) -> list[CellFacts]:
    """Return the cells with failures, by the share of students who failed or never succeeded, highest first.

    The share is taken of FEW students more than tried the cell, so that a few who are ahead weigh less than a class.
    """

    def weight(cell: CellFacts) -> float:
        return (cell.failed + cell.unsolved) / (cell.students + FEW)

    return sorted((cell for cell in cells if cell.failed), key=lambda cell: (-weight(cell), -cell.tries, cell.cell_id))


def rows_of(
    query: str, students: list[int], lesson: Lesson, *, scope: Scope, **numbers: float
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that begins with TRIES. One query."""
    window: dict[str, Any] = {"students": students, "since": lesson.since, "until": lesson.until, "break": BREAK}
    return fetch_all(query.replace(SCOPE, scope.sql()), {**window, **numbers})
