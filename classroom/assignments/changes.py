"""Compare two notebooks for a page: a submission with its starter, or any two versions."""

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from classroom.assignments.submissions import hash_of, starter_of
from lms.models import AssignmentSubmission
from lms.notebooks.diff import CellChange
from lms.notebooks.render_process import changes

MAX_LINES = 4_000  # on one page


@dataclass(frozen=True)
class Block:
    """Consecutive lines that are the same in both notebooks, or the old lines beside the new ones."""

    is_same: bool
    old: list[str]
    new: list[str]


@dataclass(frozen=True)
class Stretch:
    """Consecutive cells: changed ones, or unchanged ones that the page collapses."""

    is_same: bool
    changes: list[CellChange]

    @cached_property
    def pairs(self) -> list[tuple[CellChange, list[Block]]]:
        """Return each cell with its lines side by side."""
        return [(change, blocks_of(change)) for change in self.changes]


def blocks_of(change: CellChange) -> list[Block]:
    """Return the blocks of a cell; an empty list if no line changed."""
    return [
        Block(is_same, [text for mark, text in run if mark != "+"], [text for mark, text in run if mark != "-"])
        for is_same, run in ((same, list(each)) for same, each in groupby(change.lines, lambda line: line[0] == " "))
    ]


@dataclass(frozen=True)
class NotebookComparison:
    stretches: list[Stretch]
    is_cut: bool

    @property
    def counts(self) -> dict[str, int]:
        kinds = [change.kind for stretch in self.stretches for change in stretch.changes]
        return {kind: kinds.count(kind) for kind in ("added", "deleted", "modified", "moved", "unchanged")}


def changes_since_starter(submission_id: int) -> NotebookComparison | None:
    """Compare a submission with its starter; return None if there is no starter or the limits were exceeded.

    Two queries, and a process if the result is not cached.
    """
    found = AssignmentSubmission.objects.get(pk=submission_id)
    starter = starter_of(found)
    if starter is None:
        return None
    cell_changes = changes(
        starter.content, found.notebook_content, old_sha256=starter.content_sha256, new_sha256=hash_of(found)
    )
    return None if cell_changes is None else comparison_of(cell_changes)


def comparison_of(cell_changes: list[CellChange]) -> NotebookComparison:
    """Group the changes for one page, up to MAX_LINES lines."""
    shown, lines = [], 0
    for change in cell_changes:
        lines += len(change.lines) or (change.new_source or "").count("\n") + 1
        if lines > MAX_LINES:
            break
        shown.append(change)
    grouped = groupby(shown, key=lambda change: change.kind == "unchanged" and not change.outputs_changed)
    return NotebookComparison(
        [Stretch(is_same, list(group)) for is_same, group in grouped], len(shown) < len(cell_changes)
    )
