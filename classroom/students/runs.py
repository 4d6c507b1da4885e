"""What a student ran, newest first: as a timeline in which tries of one cell belong together, or as one cell's history.

Each run is shown with what changed in the code since the run of that cell before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.db.models.functions import Left, Length, Right
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from classroom.base.ansi import plain
from classroom.students.run_diffs import Change, compare
from core.validators import MAX_BIGINT
from events.models import CellExecution
from lms.access import Scope
from lms.models import Cell, Notebook

RUNS_A_PAGE = 50
# Characters of one text that the page shows: one runaway loop must not make a page of megabytes,
LONGEST_TEXT = 6_000
# nor must fifty of them: once the runs above have taken this much, each text below shows its beginning only.
LONGEST_PAGE = 150_000
SHORT_TEXT = 400
LONGEST_LINE = 200


def id_of(text: str | None) -> int | None:
    """The id in an address; None for what cannot be one."""
    return int(text) if text and text.isascii() and text.isdigit() and int(text) <= MAX_BIGINT else None


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which runs the reader wants to see; it lives in the address, so that a reload and a link keep it."""

    notebook: int | None = None
    cell: int | None = None
    errors: bool = False

    @classmethod
    def of(cls, query: QueryDict) -> "Chosen":
        return cls(
            notebook=id_of(query.get("notebook")), cell=id_of(query.get("cell")), errors=query.get("errors") == "1"
        )

    @property
    def query(self) -> str:
        """The same choice as the query of an address."""
        chosen = {"notebook": self.notebook, "cell": self.cell, "errors": "1" if self.errors else None}
        return urlencode({name: value for name, value in chosen.items() if value is not None})

    def among(self, runs: "QuerySet[CellExecution]") -> "QuerySet[CellExecution]":
        if self.cell is not None:
            runs = runs.filter(cell=self.cell)
        if self.notebook is not None:
            runs = runs.filter(notebook=self.notebook)
        return runs.filter(status=CellExecution.Status.ERROR) if self.errors else runs


ALL_RUNS = Chosen()


@dataclass(frozen=True)
class Text:
    shown: str
    is_cut: bool = False

    @property
    def length(self) -> int:
        return len(self.shown)


@dataclass(frozen=True, kw_only=True)
class Run:
    pk: int
    status: str
    at: datetime
    notebook: Notebook
    cell: Cell
    number: int | None  # of the cell, as people count
    execution_count: int | None
    duration: float | None  # seconds
    errors_in_a_row: int  # where they are many, else 0
    code: Text
    error: Text  # its end, where the name of the error is
    output: Text
    change: Change | None  # since the run of this cell before it; None when that one is not on the page
    tries: int  # runs of the cell up to this one without another cell between
    is_retry: bool  # a later try of the same cell stands right above
    shows_change: bool
    is_open: bool

    @property
    def error_line(self) -> str:
        lines = plain(self.error.shown).strip().splitlines()
        return lines[-1].strip()[:LONGEST_LINE] if lines else ""

    @property
    def has_more_error(self) -> bool:
        """More than the line that stands above it."""
        return plain(self.error.shown).strip() != self.error_line

    @property
    def has_own_output(self) -> bool:
        """JupyterLab sends the error as the output too."""
        return bool(self.output.shown) and self.output.shown.strip() != self.error.shown.strip()


@dataclass(frozen=True, kw_only=True)
class Timeline:
    runs: list[Run]
    older: int | None  # the run that the next page comes after
    newest: int  # the run stored last; newer ones have larger numbers
    is_full: bool

    def since(self, after: int) -> list[Run]:
        return [run for run in self.runs if run.pk > after]


def timeline(scope: Scope, student_id: int, *, chosen: Chosen, before: int | None = None, after: int = 0) -> Timeline:
    """A page of runs and one row more. One query, two for the pages of older runs; 404 for a `before` that is not a
    run of this student. With `after`, only runs stored later are drawn; the others are only looked at."""
    mine = CellExecution.objects.filter(scope.q(), student_id=student_id)
    last = None if before is None else get_object_or_404(mine.only("executed_at", "cell_id"), pk=before)
    rows = _rows(chosen.among(mine), last)
    shown = rows[:RUNS_A_PAGE]
    return Timeline(
        runs=_drawn(rows, after=after, above=last, in_history=chosen.cell is not None),
        older=shown[-1].pk if len(rows) > RUNS_A_PAGE else None,
        newest=max((row.pk for row in shown), default=0),
        is_full=len(rows) > RUNS_A_PAGE,
    )


def _rows(runs: "QuerySet[CellExecution]", last: CellExecution | None) -> list[CellExecution]:
    """By the index of a student's latest runs, or of a student's runs of a cell; an offset would read all it skips."""
    if last is not None:
        earlier = Q(executed_at__lt=last.executed_at) | Q(executed_at=last.executed_at, pk__lt=last.pk)
        runs = runs.filter(earlier, executed_at__lte=last.executed_at)
    return list(
        runs.select_related("notebook", "cell")
        .defer("output", "code_content", "error_message", "cell__content", "cell__cell_metadata")
        .defer("notebook__notebook_metadata")
        .annotate(
            code_shown=Left("code_content", LONGEST_TEXT),
            code_length=Length("code_content"),
            error_shown=Right("error_message", LONGEST_TEXT),
            error_length=Length("error_message"),
            output_shown=Left("output", LONGEST_TEXT),
            output_length=Length("output"),
        )
        .order_by("-executed_at", "-pk")[: RUNS_A_PAGE + 1]
    )


def _drawn(rows: Sequence[CellExecution], *, after: int, above: CellExecution | None, in_history: bool) -> list[Run]:
    """The first page of `rows`, top down; `above` is the run that stands over the first."""
    tries = _tries(rows)
    room_left = LONGEST_PAGE
    drawn: list[Run] = []
    for index, row in enumerate(rows[:RUNS_A_PAGE]):
        over = rows[index - 1] if index else above
        if row.pk > after:
            is_retry = not in_history and over is not None and over.cell_id == row.cell_id
            run = _run(row, _earlier(rows, index), tries[index], room_left, is_retry, in_history, is_first=index == 0)
            room_left -= run.code.length + run.error.length + run.output.length
            drawn.append(run)
    return drawn


def _tries(rows: Sequence[CellExecution]) -> list[int]:
    """Of each run, how many of the same cell follow each other down from it."""
    counts = [1] * len(rows)
    for index in range(len(rows) - 2, -1, -1):
        if rows[index].cell_id == rows[index + 1].cell_id:
            counts[index] = counts[index + 1] + 1
    return counts


def _earlier(rows: Sequence[CellExecution], index: int) -> CellExecution | None:
    return next((row for row in rows[index + 1 :] if row.cell_id == rows[index].cell_id and _code(row)), None)


def _code(row: CellExecution) -> str:
    return getattr(row, "code_shown", None) or ""


def _run(
    row: CellExecution,
    earlier: CellExecution | None,
    tries: int,
    room_left: int,
    is_retry: bool,
    in_history: bool,
    *,
    is_first: bool,
) -> Run:
    longest = min(LONGEST_TEXT, max(SHORT_TEXT, room_left))
    change = compare(_code(earlier), _code(row)) if earlier is not None and _code(row) else None
    is_changed = change is not None and not change.is_nothing
    position = row.cell_index if row.cell_index is not None and row.cell_index >= 0 else row.cell.position
    return Run(
        pk=row.pk,
        status=row.status,
        at=row.executed_at,
        notebook=row.notebook,
        cell=row.cell,
        number=None if position is None or position < 0 else position + 1,
        execution_count=row.execution_count,
        duration=row.duration,
        errors_in_a_row=row.consecutive_error_count if row.is_significant_error else 0,
        code=_text(row, "code", longest),
        error=_text(row, "error", longest, keeps_end=True),
        output=_text(row, "output", longest),
        change=change,
        tries=tries,
        is_retry=is_retry,
        shows_change=is_changed and not (change is not None and change.is_too_long) and (in_history or is_retry),
        is_open=is_first or is_changed or change is None if in_history else not is_retry,
    )


def _text(row: CellExecution, name: str, longest: int, *, keeps_end: bool = False) -> Text:
    text: str = getattr(row, f"{name}_shown") or ""
    is_cut = (getattr(row, f"{name}_length") or 0) > longest
    return Text(text[-longest:] if keeps_end else text[:longest], is_cut)
