"""What changed between two notebooks, for a page: what a student made of the one they were given, or any two."""

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from classroom.assignments.submissions import hash_of, starter_of
from lms.models import AssignmentSubmission
from lms.notebooks.diff import CellChange
from lms.notebooks.render_process import changes

MOST_LINES = 4_000  # on one page


@dataclass(frozen=True)
class Block:
    """Lines that stayed, in both; or what was there before beside what took its place."""

    is_same: bool
    old: list[str]
    new: list[str]


@dataclass(frozen=True)
class Stretch:
    """Cells that follow each other: changed ones, or such as stayed the same and are folded away."""

    is_same: bool
    changes: list[CellChange]

    @cached_property
    def pairs(self) -> list[tuple[CellChange, list[Block]]]:
        """Each cell with its lines side by side."""
        return [(change, blocks_of(change)) for change in self.changes]


def blocks_of(change: CellChange) -> list[Block]:
    """Empty where no line changed."""
    return [
        Block(is_same, [text for mark, text in run if mark != "+"], [text for mark, text in run if mark != "-"])
        for is_same, run in ((same, list(each)) for same, each in groupby(change.lines, lambda line: line[0] == " "))
    ]


@dataclass(frozen=True)
class Comparison:
    stretches: list[Stretch]
    is_cut: bool

    @property
    def counts(self) -> dict[str, int]:
        kinds = [change.kind for stretch in self.stretches for change in stretch.changes]
        return {kind: kinds.count(kind) for kind in ("added", "deleted", "modified", "moved", "unchanged")}


def changes_since_starter(submission_id: int) -> Comparison | None:
    """None where the two could not be compared within the limits. Two queries, and a process where it is not known."""
    found = AssignmentSubmission.objects.get(pk=submission_id)
    starter = starter_of(found)
    if starter is None:
        return None
    told = changes(
        starter.content, found.notebook_content, old_sha256=starter.content_sha256, new_sha256=hash_of(found)
    )
    return None if told is None else drawn(told)


def drawn(told: list[CellChange]) -> Comparison:
    """What of it one page shows."""
    shown, lines = [], 0
    for change in told:
        lines += len(change.lines) or (change.new_source or "").count("\n") + 1
        if lines > MOST_LINES:
            break
        shown.append(change)
    grouped = groupby(shown, key=lambda change: change.kind == "unchanged" and not change.outputs_changed)
    return Comparison([Stretch(is_same, list(group)) for is_same, group in grouped], len(shown) < len(told))
