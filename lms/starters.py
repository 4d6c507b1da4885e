"""Starter notebooks as students receive them: they name their assignment, and their cells have ids.

The stored starter stays as it was uploaded. It is prepared when it is fetched, because the assignment's notebook may be
renamed after the upload, and starters of earlier uploads need the same.
"""

import hashlib
import json
import re
from collections import Counter
from copy import deepcopy
from typing import Any

from lms.models import AssignmentStarter
from lms.notebooks.cells import PlainCell, cells_of, version_of

MARK = "cell_monitor"  # the key of the notebook's metadata
ID_FORM = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of nbformat 4.5
DIGITS = 12  # of an id that is added
FIRST_WITH_IDS = 5  # the minor version of nbformat 4


def prepared(starter: AssignmentStarter) -> dict[str, Any]:
    """Return the notebook in nbformat 4.5 or later, with `cell_monitor: {assignment, path}` in its metadata.

    Reads the assignment and its notebook. The same starter of the same assignment gives the same result.
    """
    assignment = starter.assignment
    content = _as_version_4(starter.content)
    metadata = content.get("metadata")
    content["metadata"] = {
        **(metadata if isinstance(metadata, dict) else {}),
        MARK: {"assignment": assignment.pk, "path": assignment.notebook.path},
    }
    _add_ids(content["cells"], seed=str(assignment.pk))
    return content


def file_name(starter: AssignmentStarter) -> str:
    """Return the name under which a client saves it: the last segment of the notebook's path."""
    name = starter.assignment.notebook.path.rpartition("/")[2] or "notebook"
    return name if name.endswith(".ipynb") else f"{name}.ipynb"


def _as_version_4(content: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in nbformat 4, of at least the first minor version with ids.

    Older formats are read as the pages read them (`lms.notebooks.cells`); their outputs are left out, because a starter
    is to be run.
    """
    if version_of(content) == 4 and isinstance(content.get("cells"), list):
        copy = deepcopy(content)
        copy["cells"] = [cell for cell in copy["cells"] if isinstance(cell, dict)]
        minor = copy.get("nbformat_minor")
        is_newer = isinstance(minor, int) and not isinstance(minor, bool) and minor > FIRST_WITH_IDS
        return {**copy, "nbformat": 4, "nbformat_minor": minor if is_newer else FIRST_WITH_IDS}
    return {
        "cells": [_cell(cell) for cell in cells_of(content)],
        "metadata": deepcopy(content.get("metadata") or {}),
        "nbformat": 4,
        "nbformat_minor": FIRST_WITH_IDS,
    }


def _cell(plain: PlainCell) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": plain.kind, "metadata": plain.metadata, "source": plain.source}
    return {**cell, "outputs": [], "execution_count": None} if plain.kind == "code" else cell


def _add_ids(cells: list[dict[str, Any]], *, seed: str) -> None:
    """Give an id to each cell without a valid one of its own.

    The id follows from type and source, so that a cell keeps it when another version of the starter is uploaded, and
    every student has the same one. Of equal cells the second gets another one than the first.
    """
    taken: set[str] = set()
    equal: Counter[str] = Counter()
    without = []
    for cell in cells:
        own = cell.get("id")
        if isinstance(own, str) and ID_FORM.fullmatch(own) and own not in taken:
            taken.add(own)
        else:
            without.append(cell)
    for cell in without:
        what = json.dumps([seed, cell.get("cell_type"), cell.get("source")], sort_keys=True)
        while True:
            equal[what] += 1
            made = hashlib.sha256(f"{equal[what]} {what}".encode()).hexdigest()[:DIGITS]
            if made not in taken:
                break
        taken.add(made)
        cell["id"] = made
