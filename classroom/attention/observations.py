"""The rule's input for a classroom, from PostgreSQL: two queries, whatever the number of students and stored runs.

The first reads each student's progress at each cell of the class's notebook (`cell_progress`: one row per student and
cell); the times of these rows also give the minutes in which the class worked. The second reads the latest runs of
those students who may be in trouble, by the index of a student's latest runs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median_low
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from classroom.attention.rule import GONE, MIN_CLASS, minute_of
from classroom.attention.signals import CellStats, Lesson, Run, Signals
from classroom.errors.fingerprints import MAX_SIGNATURE, error_name, error_signature
from core.identity import display_name
from events.cell_progress import progress_seen
from lms.access import Scope
from lms.models import Student

LESSON = timedelta(minutes=60)  # students without a run for longer are not in this lesson
PRESENT = timedelta(minutes=15)  # since the last run: counts in the median, and for the class's notebook
TAIL = 20  # latest runs of a student to read
MAY_BE_BEHIND = 4  # cells
# The class works in a minute in which this share of those present ran a cell for the last time.
ACTIVE_SHARE, MIN_ACTIVE = 0.08, 2
MAX_STUDENTS = 1000
QUIET = timedelta(minutes=5)  # without a run
STRUGGLE = 3  # errors at one cell


@dataclass(slots=True)
class _StudentRow:
    """One row of the first query: a student, and parallel lists about the cells of the class's notebook."""

    pk: int
    name: str | None
    email: str
    last_run_at: datetime
    last_run_failed: bool
    resolved_at: datetime | None
    notebook: str | None
    cells: list[int]
    positions: list[int | None]
    failing: list[bool]
    struggled: list[bool]
    seconds: list[float]  # since the epoch, of the last run of each

    def signals(self) -> Signals:
        known = [position for position in self.positions if position is not None]
        return Signals(
            student_id=self.pk,
            name=display_name(self.name, self.email),
            email=self.email,
            last_run_at=self.last_run_at,
            cells_run=len(self.cells),
            furthest=max(known, default=None),
            resolved_at=self.resolved_at,
        )


# PostgreSQL may plan a repeated statement once for all values. So this one is written to be fast with any estimate: one
# index lookup per student (LATERAL), and time bounds that are not estimated as a narrow range (`IS TRUE`). With a join
# instead, the tenth call took twenty times as long as the ninth.
STUDENTS_SQL = """
WITH here AS MATERIALIZED (
    SELECT s.id, s.name, s.email, s.last_run_at, s.last_run_failed, s.errors_resolved_at, s.current_notebook_id
    FROM ({classroom}) AS s WHERE s.last_run_at > %s AND (s.last_run_at <= %s) IS TRUE
    ORDER BY s.last_run_at DESC LIMIT %s),
book AS MATERIALIZED (
    SELECT current_notebook_id AS id FROM here WHERE last_run_at > %s AND current_notebook_id IS NOT NULL
    GROUP BY 1 ORDER BY count(*) DESC, 1 DESC LIMIT 1)
SELECT h.id, h.name, h.email, h.last_run_at, h.last_run_failed, h.errors_resolved_at,
       (SELECT path FROM notebooks JOIN book USING (id)),
       coalesce(w.cells, '{{}}'), coalesce(w.positions, '{{}}'),
       coalesce(w.failing, '{{}}'), coalesce(w.struggled, '{{}}'), coalesce(w.seconds, '{{}}')
FROM here h LEFT JOIN LATERAL (
    SELECT array_agg(c.id) AS cells, array_agg(c.position) AS positions,
           array_agg(p.last_status = 'error') AS failing, array_agg(p.error_count >= {STRUGGLE}) AS struggled,
           array_agg(extract(epoch FROM p.last_run_at)::float8) AS seconds
    FROM cells c JOIN {progress} AS p ON p.cell_id = c.id
    WHERE c.notebook_id = (SELECT id FROM book)
      AND p.run_count > 0 AND p.last_run_at > %s AND (p.last_run_at <= %s) IS TRUE) w ON true
"""

RUNS_SQL = """
SELECT k.student, e.executed_at, e.cell_id, coalesce(c.position, e.cell_index), e.status = 'error', e.error
FROM unnest(%s::bigint[]) AS k (student)
CROSS JOIN LATERAL (
    SELECT x.executed_at, x.cell_id, x.cell_index, x.status, left(x.error_message, {max_length}) AS error
    FROM cell_executions x
    WHERE x.student_id = k.student AND x.executed_at > %s AND (x.executed_at <= %s) IS TRUE
      AND x.status <> 'aborted' {scope}
    ORDER BY x.executed_at DESC, x.id DESC LIMIT {tail}) e
JOIN cells c ON c.id = e.cell_id
ORDER BY k.student, e.executed_at DESC
"""


def observe(students: QuerySet[Student], scope: Scope, now: datetime) -> Lesson:
    """Return the current lesson of these students. Two queries; one if no student may be in trouble."""
    rows = _student_rows(students, scope, now)
    if not rows:
        return Lesson()
    class_cell = _class_cell(rows, now)
    found = [row.signals() for row in rows]
    leads = _leads(rows, class_cell, now)
    in_trouble = [p.pk for p, s in zip(rows, found, strict=True) if _may_be_in_trouble(p, s, class_cell)]
    recent_runs = _recent_runs(in_trouble, scope, now)
    return Lesson(
        students=tuple(
            replace(s, tail=recent_runs.get(s.student_id, ()), lead=leads.get(s.student_id, 0)) for s in found
        ),
        notebook=rows[0].notebook or "",
        cells=_cell_stats(rows),
        class_cell=class_cell,
        active_minutes=_active_minutes(rows, now),
    )


COLUMNS = ("id", "name", "email", "last_run_at", "last_run_failed", "errors_resolved_at", "current_notebook_id")


def _student_rows(students: QuerySet[Student], scope: Scope, now: datetime) -> list[_StudentRow]:
    classroom, params = students.order_by().values(*COLUMNS).query.sql_with_params()
    progress = progress_seen(scope, where="student_id = h.id AND notebook_id = (SELECT id FROM book)")
    start = now - LESSON
    with connection.cursor() as cursor:
        cursor.execute(
            STUDENTS_SQL.format(classroom=classroom, progress=progress, STRUGGLE=STRUGGLE),
            [*params, start, now, MAX_STUDENTS, now - PRESENT, start, now],
        )
        return [_StudentRow(*row) for row in cursor.fetchall()]


def _may_be_in_trouble(row: _StudentRow, signals: Signals, class_cell: int | None) -> bool:
    behind = class_cell is not None and signals.furthest is not None and class_cell - signals.furthest >= MAY_BE_BEHIND
    return behind or row.last_run_failed or any(row.failing)


def _class_cell(rows: Sequence[_StudentRow], now: datetime) -> int | None:
    """Return the median of the furthest cells of those present; None for fewer than MIN_CLASS students."""
    furthest = [
        max((p for p in row.positions if p is not None), default=None)
        for row in rows
        if now - row.last_run_at < PRESENT
    ]
    known = [position for position in furthest if position is not None]
    return median_low(known) if len(known) >= MIN_CLASS else None


def _leads(rows: Sequence[_StudentRow], class_cell: int | None, now: datetime) -> dict[int, int]:
    """Return how many cells ahead of the class the silent students were at their last run, for those now behind it.

    The class's position then is the median of the furthest cells whose last run is older; computed once per minute.
    """
    medians: dict[int, int | None] = {}
    leads: dict[int, int] = {}
    for row in rows:
        furthest = max((p for p in row.positions if p is not None), default=None)
        if furthest is None or class_cell is None or furthest >= class_cell:
            continue
        if not QUIET <= now - row.last_run_at <= GONE:
            continue
        minute = minute_of(row.last_run_at) + 1
        if minute not in medians:
            reached = [_furthest_by(other, minute * 60) for other in rows]
            known = [position for position in reached if position is not None]
            medians[minute] = median_low(known) if known else None
        position = medians[minute]
        leads[row.pk] = furthest - position if position is not None else 0
    return leads


def _furthest_by(row: _StudentRow, moment: float) -> int | None:
    both = zip(row.positions, row.seconds, strict=True)
    return max((position for position, at in both if position is not None and at <= moment), default=None)


def _cell_stats(rows: Sequence[_StudentRow]) -> dict[int, CellStats]:
    tried: Counter[int] = Counter()
    struggled: Counter[int] = Counter()
    for row in rows:
        tried.update(row.cells)
        struggled.update(cell for cell, did in zip(row.cells, row.struggled, strict=True) if did)
    return {cell: CellStats(tried[cell], struggled[cell]) for cell in struggled}


def _active_minutes(rows: Sequence[_StudentRow], now: datetime) -> frozenset[int]:
    minutes: Counter[int] = Counter()
    for row in rows:
        minutes.update({int(seconds) // 60 for seconds in row.seconds} | {minute_of(row.last_run_at)})
    present = sum(now - row.last_run_at < PRESENT for row in rows)
    minimum = max(MIN_ACTIVE, ACTIVE_SHARE * present)
    return frozenset(minute for minute, students in minutes.items() if students >= minimum)


def _recent_runs(students: Sequence[int], scope: Scope, now: datetime) -> dict[int, tuple[Run, ...]]:
    if not students:
        return {}
    runs: dict[int, list[Run]] = {}
    with connection.cursor() as cursor:
        statement = RUNS_SQL.format(max_length=MAX_SIGNATURE * 2, tail=TAIL, scope=scope.sql("x.class_id"))
        cursor.execute(statement, [list(students), now - LESSON, now])
        for student, *run in cursor.fetchall():
            runs.setdefault(student, []).append(_run(*run))
    return {student: tuple(found) for student, found in runs.items()}


def _run(at: datetime, cell: int, position: int | None, failed: bool, error: Any) -> Run:
    if not failed:
        return Run(at, cell, position, failed)
    return Run(at, cell, position, failed, error=error_signature(error), error_name=error_name(error))
