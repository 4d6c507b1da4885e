"""The cell map: the state of every student at every cell of a notebook, one character each.

    0 not run    1 ok    2 failed    3 failing repeatedly

PostgreSQL returns the students of a cell and a string of their states: 200 × 60 states are 60 rows and not 12,000.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from statistics import median_low
from typing import NamedTuple

from django.db.models import F
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from classroom.base.classrooms import MAX_CARDS, Classroom
from classroom.base.display import PLAIN, Display, cell_number
from classroom.base.error_fingerprints import fingerprint
from classroom.cells.map_options import MapOptions
from core.identity import display_name
from core.postgres import binary_cursor, fetch_all
from events.cell_progress import progress_seen
from lms.models import Notebook
from lms.system_settings import current as current_settings

NOT_RUN, OK, FAILED, REPEATED = "0123"
STATE_WORDS: dict[str, str | Promise] = {
    NOT_RUN: _("not run"), OK: _("ok"), FAILED: _("failed"), REPEATED: _("failing repeatedly"),
}  # fmt: skip
# Signs, so that colours need not be told apart: the marks of Japanese teachers, like the status symbols.
SIGNS = {NOT_RUN: "", OK: "○", FAILED: "△", REPEATED: "×"}
RECENT = timedelta(minutes=10)  # students active since then count for the notebook in use and the median
MAX_COLUMNS = 150
# If this many students ran one cell, a cell that a single student ran is taken for one they added.
MIN_STUDENTS = 10

# A row of `cells` is shared by all classes with a notebook of this path, and has the latest values of any of them. So
# position and type are taken from the latest run of this classroom (one index lookup per cell), and from the shared row
# only if that run did not have them or was deleted. Students and states are in the same order, the latest first.
CELLS = """
WITH ran AS (
    SELECT cell_id, array_agg(student_id ORDER BY last_run_at DESC, student_id DESC) AS students,
           string_agg(CASE WHEN last_status = 'aborted' THEN '0' WHEN last_status = 'success' THEN '1'
                           WHEN is_significant_error OR consecutive_error_count >= %s THEN '3' ELSE '2' END,
                      '' ORDER BY last_run_at DESC, student_id DESC) AS states
    FROM {progress} AS seen WHERE run_count > 0 GROUP BY cell_id
)
SELECT c.id, coalesce(e.cell_index, c.position) AS place, ran.students, ran.states
FROM ran JOIN cells c ON c.id = ran.cell_id
LEFT JOIN LATERAL (
    SELECT x.cell_index, x.cell_type FROM cell_executions x
    WHERE x.student_id = ran.students[1] AND x.cell_id = ran.cell_id {run_in}
    ORDER BY x.executed_at DESC, x.id DESC LIMIT 1
) AS e ON true
WHERE coalesce(e.cell_type, c.cell_type) = 'code'
ORDER BY nullif(greatest(coalesce(e.cell_index, c.position), -1), -1) NULLS LAST, c.id
"""
DETAILS = """
SELECT p.cell_id, p.run_count, p.error_count, p.consecutive_error_count, p.last_run_at, e.message
FROM {progress} AS p JOIN cells c ON c.id = p.cell_id
LEFT JOIN LATERAL (
    SELECT left(coalesce(nullif(x.error_message, ''), x.output), 1000) || E'\\n'
        || right(coalesce(nullif(x.error_message, ''), x.output), 3000) AS message
    FROM cell_executions x
    WHERE p.error_count > 0 AND x.student_id = p.student_id AND x.cell_id = p.cell_id AND x.status = 'error' {scope}
    ORDER BY x.executed_at DESC, x.id DESC LIMIT 1
) AS e ON true
WHERE c.notebook_id = %s AND c.cell_type = 'code' AND p.run_count > 0
"""


@dataclass(frozen=True, kw_only=True)
class MapColumn:
    cell_id: int
    number: str  # the cell's position in the notebook, Markdown cells included
    ok: int = 0
    failing: int = 0  # repeatedly or not
    started: int = 0  # students who ran any cell; the base of the percentages

    @property
    def ok_percent(self) -> int:
        return round(100 * self.ok / self.started) if self.started else 0

    @property
    def failing_percent(self) -> int:
        return round(100 * self.failing / self.started) if self.started else 0


@dataclass(frozen=True, kw_only=True)
class MapRow:
    student_id: int
    name: str
    states: str
    is_recent: bool
    reading_key: str = ""

    @cached_property
    def furthest(self) -> int:
        """The number of columns up to the last one that was run; 0 if none was."""
        return len(self.states.rstrip(NOT_RUN))


@dataclass(frozen=True, kw_only=True)
class CellMap:
    notebook: Notebook | None
    columns: list[MapColumn]
    rows: list[MapRow]
    left_out: int = 0  # cells of single students

    @cached_property
    def median(self) -> int:
        """The column (from 1) that the median recently active student has reached; 0 if no cell was run."""
        started = [row for row in self.rows if row.furthest]
        reached = [row.furthest for row in started if row.is_recent] or [row.furthest for row in started]
        return median_low(reached) if reached else 0

    @property
    def median_number(self) -> str:
        return self.columns[self.median - 1].number if self.median else ""

    @cached_property
    def signature(self) -> str:
        """A hash of the columns; a page with other columns must reload the map."""
        return sha256(",".join(str(column.cell_id) for column in self.columns).encode()).hexdigest()[:12]

    @property
    def shares(self) -> str:
        """The figures of the columns for scripts: `ok %,failing %,ok,failing,started;…`."""
        return ";".join(f"{c.ok_percent},{c.failing_percent},{c.ok},{c.failing},{c.started}" for c in self.columns)


@dataclass(frozen=True)
class MapStudent:
    """A student of the classroom."""

    student_id: int
    name: str
    notebook_id: int | None
    is_recent: bool
    reading_key: str = ""  # "" for none, and on a projector


def members_of(classroom: Classroom, *, now: datetime, display: Display = PLAIN) -> list[MapStudent]:
    """Return at most `MAX_CARDS` students of the classroom, the last active first. One query."""
    latest = classroom.students.order_by(F("last_activity_at").desc(nulls_last=True), "pk")[:MAX_CARDS]
    # Only a class knows readings.
    reading = [] if classroom.class_ref is None or display.projector else ["reading_key"]
    rows = latest.values_list("pk", "name", "email", "current_notebook_id", "last_activity_at", *reading)
    return [
        MapStudent(
            student_id=pk,
            name=display.name(pk, display_name(name, email)),
            notebook_id=notebook,
            is_recent=bool(at and now - at < RECENT),
            reading_key="".join(key),
        )
        for pk, name, email, notebook, at, *key in rows
    ]


def notebook_in_use(members: Sequence[MapStudent]) -> int | None:
    """Return the id of the notebook that most students used recently, or else at all; None if there is none."""
    for group in ([m for m in members if m.is_recent], members):
        counts = Counter(m.notebook_id for m in group if m.notebook_id is not None)
        if counts:
            return counts.most_common(1)[0][0]
    return None


def cell_map(
    classroom: Classroom, members: Sequence[MapStudent], *, notebook: Notebook | None, choice: MapOptions
) -> CellMap:
    """Return the map of the notebook for these students. One query, whatever their number."""
    ran = _ran(classroom, notebook, [member.student_id for member in members]) if notebook else []
    shown = _shown(ran, choice)
    rows = [
        MapRow(
            student_id=m.student_id,
            name=m.name,
            states="".join([cell.states.get(m.student_id, NOT_RUN) for cell in shown]),
            is_recent=m.is_recent,
            reading_key=m.reading_key,
        )
        for m in members
    ]
    if classroom.class_ref is None:  # of all students, only those who use this notebook
        current = {m.student_id for m in members if notebook and m.notebook_id == notebook.pk}
        rows = [row for row in rows if row.furthest or row.student_id in current]
    return CellMap(
        notebook=notebook,
        columns=_counted(_columns(shown), rows),
        rows=choice.ordered(rows),
        left_out=len(ran) - len(shown),
    )


class _Ran(NamedTuple):
    """A cell that students have run."""

    cell_id: int
    position: int | None
    states: dict[int, str]  # by student


def _ran(classroom: Classroom, notebook: Notebook, ids: list[int]) -> list[_Ran]:
    """Return the cells of the notebook that these students have run, in its order. One query."""
    scope = classroom.scope
    of_notebook = "cell_id = ANY(ARRAY(SELECT id FROM cells WHERE notebook_id = %s))"
    progress = progress_seen(scope, where=f"student_id = ANY(%s) AND {of_notebook}")
    threshold = int(current_settings()["consecutive_error_threshold"]) or 3
    with binary_cursor() as cursor:
        cursor.execute(CELLS.format(progress=progress, run_in=scope.sql("x.class_id")), [threshold, ids, notebook.pk])
        return [
            _Ran(cell_id, position, dict(zip(students, states, strict=True)))
            for cell_id, position, students, states in cursor.fetchall()
        ]


def _shown(ran: list[_Ran], choice: MapOptions) -> list[_Ran]:
    """Leave out the cells of single students, and beyond `MAX_COLUMNS` those that fewest have run."""
    has_enough = max((len(cell.states) for cell in ran), default=0) >= MIN_STUDENTS
    shared = [cell for cell in ran if choice.all_cells or not has_enough or len(cell.states) > 1]
    most = {cell.cell_id for cell in sorted(shared, key=lambda cell: -len(cell.states))[:MAX_COLUMNS]}
    return [cell for cell in shared if cell.cell_id in most]


def _columns(shown: list[_Ran]) -> list[MapColumn]:
    seen: Counter[int | None] = Counter()
    columns = []
    for cell in shown:
        columns.append(MapColumn(cell_id=cell.cell_id, number=_number(cell.position, seen[cell.position])))
        seen[cell.position] += 1
    return columns


def _number(position: int | None, before: int) -> str:
    """Return the number of a cell; further cells at the same position are 7b, 7c."""
    return cell_number(position) + (f"{'abcdefghij'[before]}" if 0 < before < 10 else "+" if before else "")


def _counted(columns: list[MapColumn], rows: list[MapRow]) -> list[MapColumn]:
    started = sum(1 for row in rows if row.furthest)
    counts = [Counter(states) for states in zip(*(row.states for row in rows), strict=True)]
    return [
        MapColumn(
            cell_id=column.cell_id,
            number=column.number,
            ok=count[OK],
            failing=count[FAILED] + count[REPEATED],
            started=started,
        )
        for column, count in zip(columns, counts, strict=False)
    ] or columns


@dataclass(frozen=True)
class CellDetail:
    cell_id: int
    runs: int
    errors: int
    consecutive: int
    last_run: datetime
    error: str  # the name of the last error, or its line if it has no name; "" without errors


def cell_details(classroom: Classroom, *, student_id: int, notebook: Notebook) -> list[CellDetail]:
    """Return a student's figures per cell. Raises Http404 if they are not in the classroom. Two queries."""
    get_object_or_404(classroom.students.only("pk"), pk=student_id)
    progress = progress_seen(classroom.scope, where="student_id = %s")
    found = fetch_all(
        DETAILS.format(progress=progress, scope=classroom.scope.sql("x.class_id")), [student_id, notebook.pk]
    )
    return [
        CellDetail(cell, runs, errors, consecutive, last_run, _error_name(message))
        for cell, runs, errors, consecutive, last_run, message in found
    ]


def _error_name(message: str | None) -> str:
    if message is None:
        return ""
    found = fingerprint(message)
    return found.name or found.line[:60]
