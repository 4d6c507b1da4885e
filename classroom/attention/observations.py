"""The lesson of a classroom from PostgreSQL: two queries, whatever the number of students and stored runs.

The first reads who ran something in the last hour. The second reads the runs of those who ran something since the last
look, by the index of a student's latest runs; a `Memory` keeps what is known of the others. From time to time each
student is read anew, because an event may arrive late or be deleted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median_low
from sys import intern
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from classroom.attention.alerts import Lesson, StudentSignals
from classroom.attention.evidence import evidence_of
from classroom.attention.history import Run, Work, change_between, class_of, work_of
from classroom.attention.probability import probability, terms_of
from classroom.base.error_fingerprints import MAX_SIGNATURE, error_name, error_signature
from core.identity import display_name
from lms.access import Scope
from lms.models import Student

LESSON = timedelta(minutes=60)  # students without a run for longer are not in this lesson
PRESENT = timedelta(minutes=15)  # since the last run: counts in the median, and for the class's notebook
HISTORY = 60  # latest runs of a student to know
MAX_STUDENTS = 1000
MIN_CLASS = 4  # students with a position: the median of fewer does not describe the class
READ_ANEW = 60  # seconds; twice as long for some, so that not all are due at once
MAX_CODE = 600  # characters of a cell's code to compare


class _Row(NamedTuple):
    """One row of the first query."""

    pk: int
    name: str | None
    email: str
    last_run_at: datetime
    resolved_at: datetime | None
    notebook: str | None


@dataclass(slots=True)
class _Known:
    """What is known of one student."""

    last_run_at: datetime
    due: datetime  # to be read anew
    runs: list[Run] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)  # of the latest run of each cell
    work: Work = field(default_factory=Work)


@dataclass(slots=True)
class Memory:
    """What is known of the students of a classroom from one look to the next."""

    students: dict[int, _Known] = field(default_factory=dict)


# One index lookup per student (LATERAL), and time bounds that are not estimated as a narrow range (`IS TRUE`), so that
# the plan that PostgreSQL may keep for a repeated statement is fast with any estimate.
RUNS_SQL = """
SELECT k.student, extract(epoch FROM e.executed_at)::float8, e.notebook_id, e.cell_id,
       coalesce(c.position, e.cell_index), e.status,
       left(e.error_message, {max_error}), left(e.code_content, {max_code}),
       left(md5(regexp_replace(left(e.output, 2000), '\\s+', ' ', 'g')), 12)
FROM unnest(%s::bigint[], %s::timestamptz[]) AS k (student, since)
CROSS JOIN LATERAL (
    SELECT x.id, x.executed_at, x.notebook_id, x.cell_id, x.cell_index, x.status, x.error_message,
           x.code_content, x.output
    FROM cell_executions x
    WHERE x.student_id = k.student AND x.executed_at > k.since AND (x.executed_at <= %s) IS TRUE {scope}
    ORDER BY x.executed_at DESC, x.id DESC LIMIT {history}) e
JOIN cells c ON c.id = e.cell_id
ORDER BY k.student, e.executed_at, e.id
"""


def observe(students: QuerySet[Student], scope: Scope, now: datetime, memory: Memory) -> Lesson:
    """Return the current lesson of these students. Two queries; one if nobody ran anything since the last look."""
    rows = _rows(students, now)
    _update(memory, rows, scope, now)
    works = {row.pk: memory.students[row.pk].work for row in rows if memory.students[row.pk].work.runs}
    if not works:
        return Lesson()
    class_ = class_of(works.values(), now.timestamp())
    found: list[StudentSignals] = []
    for row in rows:
        work = works.get(row.pk)
        if work is None:
            continue
        evidence = evidence_of(work, class_)
        found.append(
            StudentSignals(
                student_id=row.pk,
                name=display_name(row.name, row.email),
                email=row.email,
                last_run_at=row.last_run_at,
                work=work,
                evidence=evidence,
                probability=probability(terms_of(evidence)),
                position=work.runs[-1].position,
                resolved_at=row.resolved_at,
            )
        )
    present = [row for row in rows if now - row.last_run_at < PRESENT]
    paths = Counter(row.notebook for row in present if row.notebook)
    return Lesson(
        students=tuple(found),
        notebook=paths.most_common(1)[0][0] if paths else "",
        class_cell=_class_cell([works[row.pk] for row in present if row.pk in works]),
        class_=class_,
    )


def _rows(students: QuerySet[Student], now: datetime) -> list[_Row]:
    here = students.filter(last_run_at__gt=now - LESSON, last_run_at__lte=now).order_by("-last_run_at", "pk")
    columns = ("pk", "name", "email", "last_run_at", "errors_resolved_at", "current_notebook__path")
    return [_Row(*row) for row in here.values_list(*columns)[:MAX_STUDENTS]]


def _update(memory: Memory, rows: Sequence[_Row], scope: Scope, now: datetime) -> None:
    """Read what is new. At most one query."""
    start = now - LESSON
    present = {row.pk for row in rows}
    for gone in memory.students.keys() - present:
        del memory.students[gone]
    wanted: dict[int, datetime] = {}
    for row in rows:
        known = memory.students.get(row.pk)
        if known is None or now >= known.due or row.last_run_at < known.last_run_at:
            due = now + timedelta(seconds=READ_ANEW * (1 + row.pk % 16 / 16))
            memory.students[row.pk] = _Known(row.last_run_at, due)
            wanted[row.pk] = start
        elif row.last_run_at != known.last_run_at:
            wanted[row.pk] = known.last_run_at
            known.last_run_at = row.last_run_at
    if not wanted:
        return
    statement = RUNS_SQL.format(
        max_error=MAX_SIGNATURE * 2, max_code=MAX_CODE, history=HISTORY, scope=scope.sql("x.class_id")
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(wanted), list(wanted.values()), now])
        for student, *run in cursor:  # a hundred at a time: all at once they are tens of MiB, of which little is kept
            known = memory.students[student]
            known.runs.append(_run(known.codes, *run))
    for student in wanted:
        known = memory.students[student]
        del known.runs[:-HISTORY]
        known.work = work_of(tuple(known.runs))


def _run(
    codes: dict[int, str],
    at: float,
    notebook: int,
    cell: int,
    position: int | None,
    status: str,
    error: Any,
    code: str | None,
    output: str | None,
) -> Run:
    before = codes.get(cell)
    change = None if before is None or code is None else change_between(before, code)
    if code is not None:
        codes[cell] = intern(code)  # a class runs much the same code
    failed = status == "error"
    return Run(
        at=at,
        notebook=notebook,
        cell=cell,
        position=position,
        failed=failed,
        aborted=status == "aborted",
        error=error_signature(error) if failed else "",
        error_name=error_name(error) if failed else "",
        output=output or "",
        change=change,
    )


def _class_cell(works: Sequence[Work]) -> int | None:
    """Return the median of the furthest cells in the notebook most ran lately; None for fewer than MIN_CLASS."""
    books = Counter(work.runs[-1].notebook for work in works)
    if not books:
        return None
    book = books.most_common(1)[0][0]
    furthest = [
        max((c.position for c in work.cells.values() if c.notebook == book and c.position is not None), default=None)
        for work in works
    ]
    known = [position for position in furthest if position is not None]
    return median_low(known) if len(known) >= MIN_CLASS else None
