"""How hard the cells of a lesson were, and how long they took, from the runs of the lesson alone.

A student's *tries* at a cell are their runs up to the first that worked; errors after it do not count. The *time* at a
cell is what passed from the student's previous run of anything to each of those tries: reading and thinking belong to
the cell that is run next. A pause of more than ten minutes (a lecture, a break) belongs to none, and neither does what
came before somebody's first run. Aborted runs are no runs.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

from classroom.base.display import cell_number
from classroom.lesson_report.lessons import Lesson
from lms.access import Scope

BREAK = timedelta(minutes=10)
LEAST_TRIED = 2  # students: one alone says nothing about a cell
MOST_CELLS = 100
FEW = 4

SCOPE = "/* scope */"  # where a statement is narrowed to what came through some classes
# One row a student and cell, for all questions.
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
      FROM tries GROUP BY 1, 2 HAVING count(*) >= %(least)s) AS f
JOIN cells c ON c.id = f.cell_id JOIN notebooks n ON n.id = f.notebook_id
ORDER BY n.path, c.position NULLS LAST, c.id LIMIT %(most)s
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True, slots=True)
class CellFacts:
    cell_id: int
    number: str
    notebook: str
    notebook_path: str
    students: int  # who tried it
    failed: int  # who had an error before it worked
    unsolved: int  # for whom it did not work by the end
    errors: float | None  # before it worked, the mean of those for whom it did
    tries: float  # median
    times: tuple[float, float, float] | None  # seconds: quartile, median, quartile

    @property
    def failed_share(self) -> float:
        return self.failed / self.students

    @property
    def unsolved_share(self) -> float:
        return self.unsolved / self.students


def cells_of(students: list[int], lesson: Lesson, *, scope: Scope) -> list[CellFacts]:
    """By notebook and position. One query."""
    rows = rows_of(CELLS, students, lesson, scope=scope, least=LEAST_TRIED, most=MOST_CELLS)
    return [
        CellFacts(
            cell_id=cell_id,
            number=cell_number(position),
            notebook=notebook,
            notebook_path=path,
            students=count,
            failed=failed,
            unsolved=unsolved,
            errors=errors,
            tries=tries,
            times=tuple(times) if times else None,
        )
        for cell_id, position, notebook, path, _, _, count, failed, unsolved, errors, tries, times in rows
    ]


def hardest(cells: list[CellFacts]) -> list[CellFacts]:
    """Those that somebody failed at, by the share who failed or never got on. A few who ran ahead weigh less than a
    class: the share is taken of FEW students more than tried it."""

    def weight(cell: CellFacts) -> float:
        return (cell.failed + cell.unsolved) / (cell.students + FEW)

    return sorted((cell for cell in cells if cell.failed), key=lambda cell: (-weight(cell), -cell.tries, cell.cell_id))


def rows_of(
    query: str, students: list[int], lesson: Lesson, *, scope: Scope, **numbers: float
) -> list[tuple[Any, ...]]:
    """Of a statement that begins with TRIES. One query."""
    window: dict[str, Any] = {"students": students, "since": lesson.since, "until": lesson.until, "break": BREAK}
    with connection.cursor() as cursor:
        cursor.execute(query.replace(SCOPE, scope.sql()), {**window, **numbers})
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
