"""The runs of a student, newest first: a timeline that groups tries of one cell, or the history of one cell.

Each run has the change of the code since the previous run of the cell.
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
from classroom.base.error_fingerprints import without_place
from classroom.students.run_diffs import Change, compare
from core.identity import row_number
from events.counted_runs import OF_TEXT
from events.models import CellExecution
from lms.access import Scope
from lms.models import Cell, Notebook

RUNS_A_PAGE = 50
# Characters of one text on the page, because of endless loops that print,
MAX_TEXT_LENGTH = 6_000
# and of all texts together: after this many, each further text is cut to SHORT_TEXT.
MAX_PAGE_LENGTH = 150_000
SHORT_TEXT = 400
MAX_LINE_LENGTH = 200  # characters


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The filter of runs, stored in the query string, so that it survives a reload."""

    notebook: int | None = None
    cell: int | None = None
    errors: bool = False

    @classmethod
    def of(cls, query: QueryDict) -> "Chosen":
        return cls(
            notebook=row_number(query.get("notebook", "")),
            cell=row_number(query.get("cell", "")),
            errors=query.get("errors") == "1",
        )

    @property
    def query(self) -> str:
        """The filter as a query string."""
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
class StudentRun:
    pk: int
    status: str
    at: datetime
    notebook: Notebook
    cell: Cell
    number: int | None  # of the cell, from 1
    execution_count: int | None
    duration: float | None  # seconds
    started_at: datetime | None
    queued: float | None  # seconds
    errors_in_a_row: int  # 0 if they are not significant
    code: Text
    error: Text  # its end, where the name of the error is
    traceback: Text  # its end
    output: Text
    change: Change | None  # since the previous run of this cell; None if that is not on the page
    tries: int  # consecutive runs of the cell up to this one
    is_retry: bool  # the run above is a later try of the same cell
    shows_change: bool
    is_open: bool
    is_verified: bool  # it came with a token of the student's own

    @property
    def error_line(self) -> str:
        """The last line of the error, without `(2359142045.py, line 1)`: a name that IPython made up."""
        return without_place(self._last_error_line)

    @property
    def _last_error_line(self) -> str:
        lines = plain(self.error.shown).strip().splitlines()
        return lines[-1].strip()[:MAX_LINE_LENGTH] if lines else ""

    @property
    def has_more_error(self) -> bool:
        """Whether the error has more than its last line."""
        return plain(self.error.shown).strip() != self._last_error_line

    @property
    def was_stopped(self) -> bool:
        """Whether it was aborted while it ran. Others never ran: a cell before them failed, or they had no kernel."""
        return self.status == CellExecution.Status.ABORTED and (
            self.execution_count is not None or self.started_at is not None
        )

    @property
    def has_own_traceback(self) -> bool:
        """Whether the traceback has more than the error, which old senders fill with it."""
        return bool(self.traceback.shown) and plain(self.traceback.shown).strip() != plain(self.error.shown).strip()

    @property
    def has_own_output(self) -> bool:
        """Whether the output differs from the error, which JupyterLab sends as output too."""
        return bool(self.output.shown) and self.output.shown.strip() != self.error.shown.strip()


@dataclass(frozen=True, kw_only=True)
class Timeline:
    runs: list[StudentRun]
    older: int | None  # `before` of the next page
    newest: int  # id of the run stored last
    is_full: bool

    def since(self, after: int) -> list[StudentRun]:
        return [run for run in self.runs if run.pk > after]


def timeline(scope: Scope, student_id: int, *, chosen: Chosen, before: int | None = None, after: int = 0) -> Timeline:
    """Return a page of runs. Raises Http404 if `before` is not a run of this student. One query, two with `before`.

    With `after`, only runs stored later are returned; the others are read to compare with.
    """
    mine = CellExecution.objects.filter(scope.q(), ~OF_TEXT, student_id=student_id)
    last = None if before is None else get_object_or_404(mine.only("executed_at", "cell_id"), pk=before)
    rows = _rows(chosen.among(mine), last)
    shown = rows[:RUNS_A_PAGE]
    return Timeline(
        runs=_page(rows, after=after, above=last, in_history=chosen.cell is not None),
        older=shown[-1].pk if len(rows) > RUNS_A_PAGE else None,
        newest=max((row.pk for row in shown), default=0),
        is_full=len(rows) > RUNS_A_PAGE,
    )


def _rows(runs: "QuerySet[CellExecution]", last: CellExecution | None) -> list[CellExecution]:
    """Return a page of rows and one more, by keyset pagination: an offset would read all skipped rows."""
    if last is not None:
        earlier = Q(executed_at__lt=last.executed_at) | Q(executed_at=last.executed_at, pk__lt=last.pk)
        runs = runs.filter(earlier, executed_at__lte=last.executed_at)
    return list(
        runs.select_related("notebook", "cell")
        .defer("output", "code_content", "error_message", "traceback", "cell__content", "cell__cell_metadata")
        .defer("notebook__notebook_metadata")
        .annotate(
            code_shown=Left("code_content", MAX_TEXT_LENGTH),
            code_length=Length("code_content"),
            error_shown=Right("error_message", MAX_TEXT_LENGTH),
            error_length=Length("error_message"),
            traceback_shown=Right("traceback", MAX_TEXT_LENGTH),
            traceback_length=Length("traceback"),
            output_shown=Left("output", MAX_TEXT_LENGTH),
            output_length=Length("output"),
        )
        .order_by("-executed_at", "-pk")[: RUNS_A_PAGE + 1]
    )


def _page(
    rows: Sequence[CellExecution], *, after: int, above: CellExecution | None, in_history: bool
) -> list[StudentRun]:
    """Return the first page of `rows`; `above` is the run shown above the first."""
    tries = _tries(rows)
    characters_left = MAX_PAGE_LENGTH
    page: list[StudentRun] = []
    for index, row in enumerate(rows[:RUNS_A_PAGE]):
        over = rows[index - 1] if index else above
        if row.pk > after:
            is_retry = not in_history and over is not None and over.cell_id == row.cell_id
            run = _run(
                row, _earlier(rows, index), tries[index], characters_left, is_retry, in_history, is_first=index == 0
            )
            characters_left -= run.code.length + run.error.length + run.traceback.length + run.output.length
            page.append(run)
    return page


def _tries(rows: Sequence[CellExecution]) -> list[int]:
    """Return for each run the number of consecutive runs of the same cell, down from it."""
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
    characters_left: int,
    is_retry: bool,
    in_history: bool,
    *,
    is_first: bool,
) -> StudentRun:
    max_length = min(MAX_TEXT_LENGTH, max(SHORT_TEXT, characters_left))
    change = compare(_code(earlier), _code(row)) if earlier is not None and _code(row) else None
    is_changed = change is not None and not change.is_nothing
    position = row.cell_index if row.cell_index is not None and row.cell_index >= 0 else row.cell.position
    return StudentRun(
        pk=row.pk,
        status=row.status,
        at=row.executed_at,
        notebook=row.notebook,
        cell=row.cell,
        number=None if position is None or position < 0 else position + 1,
        execution_count=row.execution_count,
        duration=row.duration,
        started_at=row.started_at,
        queued=None if row.queued_ms is None else row.queued_ms / 1000,
        errors_in_a_row=row.consecutive_error_count if row.is_significant_error else 0,
        code=_text(row, "code", max_length),
        error=_text(row, "error", max_length, keeps_end=True),
        traceback=_text(row, "traceback", max_length, keeps_end=True),
        output=_text(row, "output", max_length),
        change=change,
        tries=tries,
        is_retry=is_retry,
        shows_change=is_changed and not (change is not None and change.is_too_long) and (in_history or is_retry),
        is_open=is_first or is_changed or change is None if in_history else not is_retry,
        is_verified=row.is_verified,
    )


def _text(row: CellExecution, name: str, max_length: int, *, keeps_end: bool = False) -> Text:
    text: str = getattr(row, f"{name}_shown") or ""
    is_cut = (getattr(row, f"{name}_length") or 0) > max_length
    return Text(text[-max_length:] if keeps_end else text[:max_length], is_cut)
