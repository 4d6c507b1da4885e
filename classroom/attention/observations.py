"""The signals of a room, from PostgreSQL: two queries, whatever the number of students and of stored runs.

The first reads where each student stands with each cell of the class's notebook (`cell_progress`: a row a student and
cell). The times of those rows also tell in which minutes the class worked, without reading a history. The second reads
the latest runs of those alone who may be in trouble, by the index of a student's latest runs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median_low
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from classroom.attention.rule import GONE, LEAST_CLASS, minute_of
from classroom.attention.signals import CellStanding, Lesson, Run, Signals
from classroom.errors.fingerprints import MAX_SIGNATURE, error_name, error_signature
from core.identity import display_name
from events.cell_progress import progress_seen
from lms.access import Scope
from lms.models import Student

LESSON = timedelta(minutes=60)  # who ran nothing for longer is not in this lesson
PRESENT = timedelta(minutes=15)  # whose position counts in the median, and whose notebook is the class's
TAIL = 20  # runs of a student that are looked at
MAY_BE_BEHIND = 4  # cells
# A minute in which so large a part of those present finished with a cell is one in which the class works.
GOING_SHARE, GOING_LEAST = 0.08, 2
MOST_STUDENTS = 1000
QUIET = timedelta(minutes=5)  # without a run
STRUGGLE = 3  # errors at one cell


@dataclass(slots=True)
class _Place:
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


# Statements that repeat are planned once for all values. So this one is written to be right under the poorest estimate:
# one look by index a student (LATERAL), and bounds of time that are not taken for a narrow range (`IS TRUE`). With a
# join in its place the tenth call took twenty times as long as the ninth.
PLACES = """
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

TAILS = """
SELECT k.student, e.executed_at, e.cell_id, coalesce(c.position, e.cell_index), e.status = 'error', e.error
FROM unnest(%s::bigint[]) AS k (student)
CROSS JOIN LATERAL (
    SELECT x.executed_at, x.cell_id, x.cell_index, x.status, left(x.error_message, {longest}) AS error
    FROM cell_executions x
    WHERE x.student_id = k.student AND x.executed_at > %s AND (x.executed_at <= %s) IS TRUE
      AND x.status <> 'aborted' {scope}
    ORDER BY x.executed_at DESC, x.id DESC LIMIT {tail}) e
JOIN cells c ON c.id = e.cell_id
ORDER BY k.student, e.executed_at DESC
"""


def observe(students: QuerySet[Student], scope: Scope, now: datetime) -> Lesson:
    """The lesson of these students as it stands now. Two queries; none but the first where nobody is here."""
    places = _places(students, scope, now)
    if not places:
        return Lesson()
    class_cell = _class_cell(places, now)
    found = [place.signals() for place in places]
    leads = _leads(places, class_cell, now)
    troubled = [p.pk for p, s in zip(places, found, strict=True) if _may_be_in_trouble(p, s, class_cell)]
    tails = _tails(troubled, scope, now)
    return Lesson(
        students=tuple(replace(s, tail=tails.get(s.student_id, ()), lead=leads.get(s.student_id, 0)) for s in found),
        notebook=places[0].notebook or "",
        cells=_standings(places),
        class_cell=class_cell,
        going=_going(places, now),
    )


COLUMNS = ("id", "name", "email", "last_run_at", "last_run_failed", "errors_resolved_at", "current_notebook_id")


def _places(students: QuerySet[Student], scope: Scope, now: datetime) -> list[_Place]:
    classroom, params = students.order_by().values(*COLUMNS).query.sql_with_params()
    progress = progress_seen(scope, where="student_id = h.id AND notebook_id = (SELECT id FROM book)")
    start = now - LESSON
    with connection.cursor() as cursor:
        cursor.execute(
            PLACES.format(classroom=classroom, progress=progress, STRUGGLE=STRUGGLE),
            [*params, start, now, MOST_STUDENTS, now - PRESENT, start, now],
        )
        return [_Place(*row) for row in cursor.fetchall()]


def _may_be_in_trouble(place: _Place, signals: Signals, class_cell: int | None) -> bool:
    behind = class_cell is not None and signals.furthest is not None and class_cell - signals.furthest >= MAY_BE_BEHIND
    return behind or place.last_run_failed or any(place.failing)


def _class_cell(places: Sequence[_Place], now: datetime) -> int | None:
    """The median of the furthest cells of those present: half the class is there or beyond."""
    furthest = [
        max((p for p in place.positions if p is not None), default=None)
        for place in places
        if now - place.last_run_at < PRESENT
    ]
    known = [position for position in furthest if position is not None]
    return median_low(known) if len(known) >= LEAST_CLASS else None


def _leads(places: Sequence[_Place], class_cell: int | None, now: datetime) -> dict[int, int]:
    """How far ahead of the class those who are quiet, and behind it by now, were when they stopped. The class of then:
    the furthest of the cells whose last run is older than that; once a minute, however many stopped in it."""
    then: dict[int, int | None] = {}
    leads: dict[int, int] = {}
    for place in places:
        furthest = max((p for p in place.positions if p is not None), default=None)
        if furthest is None or class_cell is None or furthest >= class_cell:
            continue
        if not QUIET <= now - place.last_run_at <= GONE:
            continue
        minute = minute_of(place.last_run_at) + 1
        if minute not in then:
            reached = [_furthest_by(other, minute * 60) for other in places]
            known = [position for position in reached if position is not None]
            then[minute] = median_low(known) if known else None
        position = then[minute]
        leads[place.pk] = furthest - position if position is not None else 0
    return leads


def _furthest_by(place: _Place, moment: float) -> int | None:
    both = zip(place.positions, place.seconds, strict=True)
    return max((position for position, at in both if position is not None and at <= moment), default=None)


def _standings(places: Sequence[_Place]) -> dict[int, CellStanding]:
    tried: Counter[int] = Counter()
    struggled: Counter[int] = Counter()
    for place in places:
        tried.update(place.cells)
        struggled.update(cell for cell, did in zip(place.cells, place.struggled, strict=True) if did)
    return {cell: CellStanding(tried[cell], struggled[cell]) for cell in struggled}


def _going(places: Sequence[_Place], now: datetime) -> frozenset[int]:
    minutes: Counter[int] = Counter()
    for place in places:
        minutes.update({int(seconds) // 60 for seconds in place.seconds} | {minute_of(place.last_run_at)})
    present = sum(now - place.last_run_at < PRESENT for place in places)
    least = max(GOING_LEAST, GOING_SHARE * present)
    return frozenset(minute for minute, students in minutes.items() if students >= least)


def _tails(students: Sequence[int], scope: Scope, now: datetime) -> dict[int, tuple[Run, ...]]:
    if not students:
        return {}
    runs: dict[int, list[Run]] = {}
    with connection.cursor() as cursor:
        statement = TAILS.format(longest=MAX_SIGNATURE * 2, tail=TAIL, scope=scope.sql("x.class_id"))
        cursor.execute(statement, [list(students), now - LESSON, now])
        for student, *run in cursor.fetchall():
            runs.setdefault(student, []).append(_run(*run))
    return {student: tuple(found) for student, found in runs.items()}


def _run(at: datetime, cell: int, position: int | None, failed: bool, error: Any) -> Run:
    if not failed:
        return Run(at, cell, position, failed)
    return Run(at, cell, position, failed, error=error_signature(error), error_name=error_name(error))
