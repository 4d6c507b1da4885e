"""Notebooks in the format of nbgrader (metadata schema 3): the version for students of a source notebook, and points.

The version for students is what `nbgrader generate_assignment` makes: solutions are replaced by a stub, hidden tests,
marking schemes and all outputs are taken out, cells are locked, and checksums are added, by which nbgrader finds cells
that were not answered. A cell that still has its checksum has been released before, and stays.

Stricter than nbgrader in one point: an end without a beginning is refused as well, because the solution before it,
whose beginning is misspelt, would be given to students.
"""

import hashlib
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from core.json_values import finite_number
from lms.notebooks.cells import cells_of, version_of

SOLUTION, TESTS, SCHEME = "SOLUTION", "HIDDEN TESTS", "MARK SCHEME"
REGIONS = (SOLUTION, TESTS, SCHEME)
MARKER = re.compile(rf"(BEGIN|END) ({'|'.join(REGIONS)})")
TEXT_STUB = "YOUR ANSWER HERE"
CODE_STUBS = {
    "python": "# YOUR CODE HERE\nraise NotImplementedError()",
    "r": "# YOUR CODE HERE\nfail()",
    "matlab": "% YOUR CODE HERE\nerror('No Answer Given!')",
    "octave": "% YOUR CODE HERE\nerror('No Answer Given!')",
    "sas": "/* YOUR CODE HERE */\n %notImplemented;",
    "java": "// YOUR CODE HERE",
}
OTHER_STUB = "# YOUR CODE HERE"

Cell = dict[str, Any]


class BadRegion(Exception):
    """A region of the cell with this number, from 1, has no end, no beginning, or another one in it. `marker` is the
    text at which that was seen."""

    def __init__(self, number: int, marker: str) -> None:
        super().__init__(f"cell {number}: {marker}")
        self.number, self.marker = number, marker


class OldFormat(Exception):
    """The notebook has regions and an nbformat below 4, in which nbgrader has no metadata."""


@dataclass(frozen=True, kw_only=True)
class Release:
    content: dict[str, Any]
    solutions: int = 0  # cells of which a solution was taken out
    hidden: int = 0  # cells of which hidden tests or a marking scheme were taken out
    points: float | None = None  # of all cells; None if none has points


def release(content: dict[str, Any]) -> Release:
    """Return the version for students. A notebook that is not nbgrader's comes back as it is. Raises BadRegion and
    OldFormat."""
    if version_of(content) != 4 or not isinstance(content.get("cells"), list):
        if any(MARKER.search(cell.source) for cell in cells_of(content)):
            raise OldFormat
        return Release(content=content)
    cells = [cell for cell in content["cells"] if isinstance(cell, dict)]
    if not any(_settings(cell) or MARKER.search(_source(cell)) for cell in cells):
        return Release(content=content)
    made = deepcopy(content)
    stub = CODE_STUBS.get(_language(content), OTHER_STUB)
    solutions = hidden = 0
    for number, cell in enumerate(made["cells"], start=1):
        if not isinstance(cell, dict):
            continue
        taken = _clear(cell, number, stub=stub if cell.get("cell_type") == "code" else TEXT_STUB)
        solutions += SOLUTION in taken
        hidden += bool(taken - {SOLUTION})
        if cell.get("cell_type") == "code":
            cell["outputs"], cell["execution_count"] = [], None
        if _settings(cell):
            _lock(cell)
    if isinstance(made.get("metadata"), dict):
        made["metadata"].pop("celltoolbar", None)
    return Release(content=made, solutions=solutions, hidden=hidden, points=points_of(content))


def points_of(content: dict[str, Any]) -> float | None:
    """Return the sum of the points of all cells that are graded; None if there is none."""
    found = []
    for cell in content.get("cells") or ():
        settings = _settings(cell) if isinstance(cell, dict) else {}
        points = finite_number(settings.get("points"))
        if points is not None and (settings.get("grade") or settings.get("task")):
            found.append(points)
    return finite_number(sum(found)) if found else None


def checksum(cell: Cell) -> str:
    """Return nbgrader's checksum of a cell with settings."""
    settings = _settings(cell)
    is_grade, is_solution = bool(settings.get("grade")), bool(settings.get("solution"))
    parts = [
        _source(cell),
        str(cell.get("cell_type")),
        str(is_grade),
        str(is_solution),
        str(_is_locked(cell)),
        str(settings.get("grade_id", "")),
    ]
    if is_grade:
        parts.append(str(finite_number(settings.get("points")) or 0.0))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def _clear(cell: Cell, number: int, *, stub: str) -> set[str]:
    """Take the regions out of a cell, or the whole of a solution without a region. Return what was taken out. Raises
    BadRegion."""
    kept: list[str] = []
    taken: set[str] = set()
    inside = None
    for line in _source(cell).split("\n"):
        found = MARKER.search(line)
        if found is None:
            if inside is None:
                kept.append(line)
            continue
        edge, region = found.groups()
        if (edge == "BEGIN") is not (inside is None) or inside not in (None, region):
            raise BadRegion(number, found[0])
        inside = region if edge == "BEGIN" else None
        taken.add(region)
        if edge == "BEGIN" and region == SOLUTION:
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + each for each in stub.split("\n")]
    if inside is not None:
        raise BadRegion(number, f"BEGIN {inside}")
    settings = _settings(cell)
    if SOLUTION not in taken and settings.get("solution") and settings.get("checksum") != checksum(cell):
        kept = stub.split("\n")
        taken.add(SOLUTION)
    if taken:
        cell["source"] = "\n".join(kept)
    if SOLUTION in taken:
        cell.pop("attachments", None)
    return taken


def _lock(cell: Cell) -> None:
    settings, metadata = _settings(cell), cell["metadata"]
    if settings.get("solution") or _is_locked(cell):
        metadata["deletable"] = False
    if _is_locked(cell):
        metadata["editable"] = False
    if settings.get("solution") or settings.get("grade") or settings.get("locked"):
        settings["checksum"], settings["cell_type"] = checksum(cell), cell.get("cell_type")


def _is_locked(cell: Cell) -> bool:
    settings = _settings(cell)
    if settings.get("solution"):
        return False
    return True if settings.get("grade") else bool(settings.get("locked", False))


def _settings(cell: Cell) -> dict[str, Any]:
    """Return nbgrader's metadata of a cell; an empty dict without."""
    metadata = cell.get("metadata")
    settings = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return settings if isinstance(settings, dict) else {}


def _source(cell: Cell) -> str:
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source.replace("\r\n", "\n") if isinstance(source, str) else ""


def _language(content: dict[str, Any]) -> str:
    metadata = content.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for place, name in (("kernelspec", "language"), ("language_info", "name")):
        found = metadata.get(place)
        if isinstance(found, dict) and isinstance(found.get(name), str):
            return str(found[name]).casefold()
    return "python"
