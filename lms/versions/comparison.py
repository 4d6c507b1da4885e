"""Comparison of two contents, with the terms of http.md section 11.

`lms.notebooks.render_process` matches the cells; counts, similarity, significance and advice are derived from that.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Literal

from core.line_diff import lines_in
from lms.models import StoredNotebook
from lms.notebooks.diff import CellChange
from lms.notebooks.render_process import changes

COUNTED = {"added": "cells_added", "deleted": "cells_deleted", "modified": "cells_modified", "moved": "cells_moved"}
MAJOR_BELOW, BREAKING_BELOW = 0.8, 0.5  # similarity
ADVICE = {
    "minor": ["The versions are close: the newer one can take the place of the older."],
    "major": ["Read the cells that were added, deleted or rewritten before you use the newer version."],
    "breaking": [
        "Run the newer version from the top before you use it.",
        "Work that was begun with the older version may not fit the newer one.",
    ],
}


class TooDifferent(Exception):
    """The two could not be compared within the limits of `lms.notebooks.render_process`."""


@dataclass(frozen=True)
class VersionComparison:
    cells: list[CellChange]  # every cell of both

    @cached_property
    def changed(self) -> list[CellChange]:
        return [cell for cell in self.cells if cell.kind != "unchanged" or cell.outputs_changed]

    @cached_property
    def cell_diffs(self) -> list[dict[str, Any]]:
        return [cell_diff(cell) for cell in self.changed]

    @cached_property
    def summary(self) -> dict[str, int]:
        kinds = [each["change_type"] for each in self.cell_diffs]
        return {
            "total_changes": len(self.cell_diffs),
            **{name: kinds.count(kind) for kind, name in COUNTED.items()},
            **{
                name: sum(each[name] for each in self.cell_diffs)
                for name in ("lines_added", "lines_deleted", "lines_modified")
            },
        }

    @cached_property
    def similarity(self) -> float:
        """The share of unchanged lines in both, from 0 to 1."""
        lines = [lines_of(cell) for cell in self.cells]
        same = sum(mark == " " for each in lines for mark, _ in each)
        changed = sum(mark != " " for each in lines for mark, _ in each)
        return round(2 * same / (2 * same + changed), 4) if same + changed else 1.0

    @property
    def significance(self) -> Literal["minor", "major", "breaking"]:
        if self.similarity < BREAKING_BELOW or any(c.kind == "deleted" and c.cell_type == "code" for c in self.cells):
            return "breaking"
        is_restructured = any(cell.kind in ("added", "deleted", "moved") for cell in self.cells)
        return "major" if is_restructured or self.similarity < MAJOR_BELOW else "minor"

    @property
    def advice(self) -> list[str]:
        return ADVICE[self.significance] if self.changed else ["Nothing to do: the cells are the same."]

    def unified(self, old: str, new: str) -> str:
        """Return a unified diff, cell by cell, with `old` and `new` as the names of the two; "" without changes."""
        if not self.changed:
            return ""
        parts = [f"--- {old}", f"+++ {new}"]
        for cell in self.changed:
            place = cell.new_index if cell.new_index is not None else cell.old_index
            also = ", other output" if cell.outputs_changed else ""
            parts.append(f"@@ cell {(place or 0) + 1} ({cell.cell_type}) {cell_diff(cell)['change_type']}{also} @@")
            parts += [f"{mark}{text}" for mark, text in cell.lines]
        return "\n".join(parts) + "\n"


def compare(old: StoredNotebook, new: StoredNotebook) -> VersionComparison:
    """Compare two contents. It takes up to two seconds unless the result is cached. Raises TooDifferent."""
    if old.sha256 == new.sha256:
        return VersionComparison([])
    found = changes(old.content, new.content, old_sha256=old.sha256, new_sha256=new.sha256)
    if found is None:
        raise TooDifferent
    return VersionComparison(found)


def lines_of(cell: CellChange) -> list[tuple[str, str]]:
    """Return the lines of a cell with their marks, also of an unchanged cell."""
    if cell.lines or cell.kind in ("added", "deleted"):
        return cell.lines
    return [(" ", line) for line in lines_in(cell.new_source or "")]


def cell_diff(cell: CellChange) -> dict[str, Any]:
    """Return the data of a changed cell. A replaced line counts as one modified line, not as one deleted and one added.
    If only outputs differ, the cell is modified and has no lines."""
    runs = [
        [mark for mark, _ in run] for is_same, run in groupby(cell.lines, lambda each: each[0] == " ") if not is_same
    ]
    modified = sum(min(run.count("+"), run.count("-")) for run in runs)
    words = {"+": "added", "-": "deleted"}
    return {
        "cell_id": cell.cell_id,
        "cell_type": cell.cell_type,
        "change_type": "modified" if cell.kind == "unchanged" else cell.kind,
        "old_content": cell.old_source,
        "new_content": cell.new_source,
        "line_diffs": [{"change_type": words[mark], "content": text} for mark, text in cell.lines if mark in words],
        "lines_added": cell.lines_added - modified,
        "lines_deleted": cell.lines_deleted - modified,
        "lines_modified": modified,
        "old_index": cell.old_index,
        "new_index": cell.new_index,
        "outputs_changed": cell.outputs_changed,
    }
