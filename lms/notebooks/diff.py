"""Comparison of two notebooks, cell by cell. A pure function.

nbdime matches the cells; this module compares the lines of changed cells. nbdime is imported lazily (it takes a second
and fifty megabytes), and hostile notebooks can make it slow: web processes call `lms.notebooks.render_process.changes`,
which runs this in a process with limits.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.line_diff import MarkedLine, lines_in, marked_lines
from lms.notebooks.cells import PlainCell, cells_of, outputs_key

Kind = Literal["unchanged", "added", "deleted", "modified", "moved"]


@dataclass(frozen=True, kw_only=True)
class CellChange:
    """A cell of either notebook. A moved cell may have changed too: then it has `lines`."""

    kind: Kind
    cell_type: str
    old_type: str | None = None  # if the type of the cell changed
    cell_id: str | None
    old_index: int | None
    new_index: int | None
    old_source: str | None
    new_source: str | None
    outputs_changed: bool = False
    lines: list[MarkedLine] = field(default_factory=list)

    @property
    def lines_added(self) -> int:
        return sum(mark == "+" for mark, _ in self.lines)

    @property
    def lines_deleted(self) -> int:
        return sum(mark == "-" for mark, _ in self.lines)


@dataclass(frozen=True)
class Pair:
    old: int | None
    new: int | None
    is_moved: bool = False


def diff_cells(old: Any, new: Any) -> list[CellChange]:
    """Return every cell of both, also unchanged ones, in the order of the new notebook. A deleted cell stays at its old
    position."""
    before, after = cells_of(old), cells_of(new)
    return [_change(pair, before, after) for pair in _with_moves(_aligned(before, after), before, after)]


def _change(pair: Pair, before: list[PlainCell], after: list[PlainCell]) -> CellChange:
    was = before[pair.old] if pair.old is not None else None
    now = after[pair.new] if pair.new is not None else None
    is_same = was is not None and now is not None and (was.kind, was.lines) == (now.kind, now.lines)
    kind: Kind = "added" if was is None else "deleted" if now is None else "unchanged" if is_same else "modified"
    shown = now or was
    assert shown is not None
    shown_now = now.source if now is not None else ""
    return CellChange(
        kind="moved" if pair.is_moved else kind,
        cell_type=shown.kind,
        old_type=was.kind if was is not None and was.kind != shown.kind else None,
        cell_id=shown.cell_id,
        old_index=pair.old,
        new_index=pair.new,
        old_source=was.source if was else None,
        new_source=now.source if now else None,
        outputs_changed=was is not None and now is not None and outputs_key(was) != outputs_key(now),
        lines=[] if was and now and was.lines == now.lines else line_changes(was.source if was else "", shown_now),
    )


def line_changes(old: str, new: str) -> list[MarkedLine]:
    """Return all lines of both, marked."""
    return marked_lines(lines_in(old), lines_in(new))


def _aligned(before: list[PlainCell], after: list[PlainCell]) -> list[Pair]:
    """Return the pairs that nbdime matches. Its diff names insertions and removals by the index of the old cells."""
    from nbdime.diffing.notebooks import diff_notebooks

    found = diff_notebooks(_notebook(before), _notebook(after))
    steps = [step for entry in found if entry.key == "cells" for step in entry.diff]
    inserted = {step.key: len(step.valuelist) for step in steps if step.op == "addrange"}
    removed = {step.key + n for step in steps if step.op == "removerange" for n in range(step.length)}
    pairs, new = [], 0
    for old in range(len(before) + 1):
        for _ in range(inserted.get(old, 0)):
            pairs.append(Pair(None, new))
            new += 1
        if old in removed:
            pairs.append(Pair(old, None))
        elif old < len(before):
            pairs.append(Pair(old, new))
            new += 1
    return pairs


def _notebook(cells: list[PlainCell]) -> Any:
    """Return a notebook for nbdime, without outputs, which would only make it slow."""
    from nbformat import from_dict

    made: list[dict[str, Any]] = [
        {
            "cell_type": cell.kind,
            "metadata": {},
            "source": "\n".join(cell.lines),
            **({"id": cell.cell_id} if cell.cell_id else {}),
            **({"outputs": [], "execution_count": None} if cell.kind == "code" else {}),
        }
        for cell in cells
    ]
    return from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})  # type: ignore[no-untyped-call]


def _with_moves(pairs: list[Pair], before: list[PlainCell], after: list[PlainCell]) -> list[Pair]:
    """Turn a removal and an insertion of the same cell into a move. First split pairs whose ids differ, which nbdime
    matched only by their position."""
    ids = {cell.cell_id for cell in before if cell.cell_id} & {cell.cell_id for cell in after if cell.cell_id}
    loose: list[Pair] = []
    for pair in pairs:
        if pair.old is not None and pair.new is not None:
            one, other = before[pair.old].cell_id, after[pair.new].cell_id
            if one != other and (one in ids or other in ids):
                loose += [Pair(pair.old, None), Pair(None, pair.new)]
                continue
        loose.append(pair)
    removed = {pair.old for pair in loose if pair.new is None and pair.old is not None}
    moved: dict[int, int] = {}  # new index to old index
    for pair in loose:
        if pair.old is None and pair.new is not None and (was := _same(after[pair.new], removed, before)) is not None:
            moved[pair.new] = was
            removed.discard(was)
    moved_from = set(moved.values())
    return [
        replace(pair, old=moved[pair.new], is_moved=True) if pair.old is None and pair.new in moved else pair
        for pair in loose
        if not (pair.new is None and pair.old in moved_from)
    ]


def _same(cell: PlainCell, among: set[int], before: list[PlainCell]) -> int | None:
    """Return the index of the same cell among these old cells, by id, else by type and source; None if there is
    none."""
    for index in sorted(among):
        if cell.cell_id and before[index].cell_id == cell.cell_id:
            return index
    for index in sorted(among):
        if cell.source.strip() and (before[index].kind, before[index].lines) == (cell.kind, cell.lines):
            return index
    return None
