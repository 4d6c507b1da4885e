"""Error clusters: students who currently fail at the same cell with the same mistake.

A student counts while their last run of the cell failed within the last minutes and was not resolved. Steps: one query
for every failing student × cell, one for the error messages of their last runs, grouping in Python by
`classroom.base.error_fingerprints`, one query for the code, one for the hints.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Concat, Greatest, Left, NullIf, Right
from django.shortcuts import get_object_or_404

from classroom.base.classrooms import Classroom
from classroom.base.display import PLAIN, Display, cell_number
from classroom.base.error_fingerprints import MAX_HEAD_LENGTH, MAX_TAIL_LENGTH, Fingerprint, fingerprint
from classroom.errors.selectors import SentHint, hints_about, suggestions
from core.identity import display_name
from core.postgres import binary_rows
from events.models import CellExecution, CellProgress
from instructors.models import Instructor
from lms.models import Cell, StudentActivity

WINDOW = timedelta(minutes=15)
GROWING = timedelta(minutes=2)
MIN_STUDENTS, MAX_CLUSTERS = 2, 5
MAX_FAILING = 1_000  # student × cell rows to read; the latest failures are always included
MAX_CODES, MAX_CODE_LENGTH = 60, 3_000  # rows, characters
# A failure is told of back to here at most: who has failed at a cell for weeks would have all their runs read.
LOOK_BACK = timedelta(hours=12)


class Failing(NamedTuple):
    """A student who currently fails at a cell, by their last run. A tuple, because there are two thousand of them."""

    student_id: int
    email: str
    name: str
    cell_id: int
    number: str  # of the cell
    notebook: str
    notebook_path: str
    run_id: int
    print: Fingerprint
    since: datetime  # the first failure after the last run that worked, within LOOK_BACK
    last_at: datetime
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    first: Failing  # represents the cluster
    line: str  # the error message of the latest student; its pattern on a projector
    students: list[Failing]  # the latest failure first
    now: datetime
    code: str = ""
    hint: SentHint | None = None
    suggestions: list[str] = field(default_factory=list)
    nonce: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def key(self) -> str:
        return f"{self.first.cell_id}/{self.first.print.digest}"

    @property
    def count(self) -> int:
        return len(self.students)

    @cached_property
    def since(self) -> datetime:
        return min(student.since for student in self.students)

    @cached_property
    def newcomers(self) -> int:
        """The number of students who joined in the last two minutes."""
        return sum(self.now - student.since < GROWING for student in self.students)


def clusters_of(classroom: Classroom, *, viewer: Instructor, now: datetime, display: Display = PLAIN) -> list[Cluster]:
    """Return at most five clusters of two or more students, largest first. Five queries; two if there are none."""
    groups = [group for group in _grouped(_failing(classroom, now=now, display=display)) if len(group) >= MIN_STUDENTS]
    groups.sort(key=lambda group: (-len(group), min(one.since for one in group), group[0].cell_id))
    shown = groups[:MAX_CLUSTERS]
    codes = _codes([group[0] for group in shown])
    hints = hints_about(classroom, [(group[0].cell_id, group[0].print.digest) for group in shown], viewer=viewer)
    return [_cluster(group, codes, hints, now=now, display=display) for group in shown]


def cluster_of(
    classroom: Classroom, *, cell_id: int, digest: str, viewer: Instructor, now: datetime, display: Display
) -> tuple[Cell, Cluster | None]:
    """Return one cluster of any size, with the code of each student; None if no student has the error any more.

    Raises Http404 for a cell that no student of the classroom has run. Six queries.
    """
    cells = cells_in(classroom).select_related("notebook").defer("content", "cell_metadata")
    cell = get_object_or_404(cells, pk=cell_id)
    group = failing_at(classroom, cell_id=cell_id, digest=digest, now=now, display=display)
    if not group:
        return cell, None
    codes = _codes(group[:MAX_CODES])
    group = [one._replace(code=codes.get(one.run_id, "")) for one in group]
    hints = hints_about(classroom, [(cell_id, digest)], viewer=viewer)
    return cell, _cluster(group, codes, hints, now=now, display=display)


def cells_in(classroom: Classroom) -> QuerySet[Cell]:
    """Return the cells that students of the classroom have run. No query."""
    ran = CellProgress.objects.filter(
        classroom.scope.q(), cell=OuterRef("pk"), student__in=classroom.students.order_by().values("pk")
    )
    return Cell.objects.filter(Exists(ran))


def failing_at(
    classroom: Classroom, *, cell_id: int, digest: str, now: datetime, display: Display = PLAIN
) -> list[Failing]:
    """Return the students who currently make this mistake at this cell. Three queries."""
    found = _failing(classroom, now=now, display=display, cell_id=cell_id)
    return [one for one in found if one.print.digest == digest]


def _failing(classroom: Classroom, *, now: datetime, display: Display, cell_id: int | None = None) -> list[Failing]:
    recent = classroom.students.filter(last_run_at__gt=now - WINDOW)
    people = {pk: who for pk, *who in recent.order_by().values_list("pk", "email", "name", "errors_resolved_at")}
    if not people:
        return []
    cells = CellProgress.objects.filter(classroom.scope.q(), last_status="error", last_run_at__gt=now - WINDOW)
    cells = cells.filter(student__in=list(people))
    resolved = StudentActivity.objects.filter(student=OuterRef("student"), class_id=OuterRef("class_id"))
    cells = cells.annotate(resolved_at=Subquery(resolved.values("errors_resolved_at")[:1]))
    cells = cells.filter(Q(resolved_at=None) | Q(resolved_at__lt=F("last_error_at")))
    if cell_id is not None:
        cells = cells.filter(cell=cell_id)
    runs = CellExecution.objects.filter(
        student=OuterRef("student"), cell=OuterRef("cell"), class_id=OuterRef("class_id")
    )
    earliest = ExpressionWrapper(F("last_run_at") - LOOK_BACK, output_field=DateTimeField())
    latest = runs.filter(status="error").order_by("-executed_at", "-pk")
    failed = runs.filter(status="error", executed_at__gt=OuterRef("from_then"))
    # The first of a series has the count one: looked for from its end, it is found after as many runs as failed, where
    # looking for the last success would read all runs of whoever has never succeeded.
    first = failed.filter(consecutive_error_count=1).order_by("-executed_at")
    oldest = failed.order_by("executed_at")
    rows = (
        cells.annotate(from_then=Greatest(F("resolved_at"), earliest))
        .annotate(
            since=Case(  # most have failed once, and are not looked up
                When(consecutive_error_count=1, then=F("last_run_at")),
                default=Coalesce(Subquery(first.values("executed_at")[:1]), Subquery(oldest.values("executed_at")[:1])),
            ),
            run_id=Subquery(latest.values("pk")[:1]),
        )
        .order_by("-last_run_at", "student_id")
    )
    ordered = binary_rows(rows.values_list(*_Row._fields)[:MAX_FAILING])  # parsing dates took longer than the query
    found = [row for row in map(_Row._make, ordered) if row.run_id is not None]
    return _with_messages(found, people, display)


def message_of_run() -> Concat:
    """Return an expression for the part of an error message that a fingerprint uses; messages may be very long."""
    text = Coalesce(NullIf("error_message", Value("")), "output", Value(""))
    return Concat(Left(text, MAX_HEAD_LENGTH), Value("\n"), Right(text, MAX_TAIL_LENGTH))


class _Row(NamedTuple):
    """A failing student × cell."""

    student_id: int
    cell_id: int
    run_id: int
    since: datetime | None
    last_run_at: datetime


def _with_messages(rows: Sequence[_Row], people: dict[int, list[Any]], display: Display) -> list[Failing]:
    """Add the error messages of the last runs. One query by the ids of the runs: in a join, PostgreSQL underestimates
    the number of rows and would scan these tables for each row."""
    executions = _executions([row.run_id for row in rows]) if rows else {}
    prints: dict[str, Fingerprint] = {}  # many students have exactly the same message
    names = {pk: display.name(pk, display_name(name, email)) for pk, (email, name, _) in people.items()}
    found = []
    for row in rows:
        run = executions.get(row.run_id)
        if run is None:  # deleted between the two queries
            continue
        message, position, notebook, path = run
        if message not in prints:
            prints[message] = fingerprint(message)
        found.append(
            Failing(
                student_id=row.student_id,
                email=people[row.student_id][0],
                name=names[row.student_id],
                cell_id=row.cell_id,
                number=cell_number(position),
                notebook=notebook,
                notebook_path=path,
                run_id=row.run_id,
                print=prints[message],
                since=row.since or row.last_run_at,
                last_at=row.last_run_at,
            )
        )
    return found


def _executions(run_ids: Sequence[int]) -> dict[int, tuple[str, int | None, str, str]]:
    """Return the message, the cell's position and the notebook's name and path of each run. One query."""
    # One array: two thousand parameters take Django and psycopg longer than the query.
    ids = RawSQL("SELECT unnest(%s::bigint[])", [list(run_ids)])
    runs = CellExecution.objects.filter(pk__in=ids).annotate(message=message_of_run()).order_by()
    rows = binary_rows(runs.values_list("pk", "message", "cell__position", "notebook__name", "notebook__path"))
    return {pk: (message, position, name, path) for pk, message, position, name, path in rows}


def _grouped(failing: Iterable[Failing]) -> list[list[Failing]]:
    groups: dict[tuple[int, str], list[Failing]] = defaultdict(list)
    for one in failing:
        groups[one.cell_id, one.print.digest].append(one)
    return list(groups.values())


def _codes(failing: Sequence[Failing]) -> dict[int, str]:
    """Return the code by run id. One query."""
    runs = CellExecution.objects.filter(pk__in=[one.run_id for one in failing]).exclude(code_content=None)
    return dict(runs.annotate(shown=Left("code_content", MAX_CODE_LENGTH)).values_list("pk", "shown"))


def _cluster(
    group: list[Failing], codes: dict[int, str], hints: list[SentHint], *, now: datetime, display: Display
) -> Cluster:
    first = group[0]
    cell_id, digest = first.cell_id, first.print.digest
    same = [hint for hint in hints if hint.is_about(cell_id, digest)]
    return Cluster(
        first=first,
        line=first.print.text if display.projector else first.print.line,
        students=group,
        now=now,
        code=codes.get(first.run_id, ""),
        hint=next((hint for hint in same if hint.is_of_room), None),
        suggestions=suggestions(hints, cell_id=cell_id, digest=digest),
    )
