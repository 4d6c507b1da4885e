"""The options of the cell map, stored in the query string, so that they survive a reload."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.identity import row_number

if TYPE_CHECKING:
    from classroom.cells.selectors import MapRow

SORTS: dict[str, str | Promise] = {"trouble": _("Trouble"), "progress": _("Progress"), "name": _("Name")}


@dataclass(frozen=True)
class MapOptions:
    notebook_id: int | None = None  # None: the one that most students use
    sort: str = "trouble"
    all_cells: bool = False  # also those of single students

    @classmethod
    def of(cls, query: QueryDict) -> "MapOptions":
        """Return the options of a query string; invalid values are ignored."""
        sort = query.get("sort", "")
        return cls(
            notebook_id=row_number(query.get("notebook", "")) or None,
            sort=sort if sort in SORTS else "trouble",
            all_cells=query.get("cells") == "all",
        )

    def query(self, **changed: Any) -> str:
        """Return the options as a query string, including `?`."""
        chosen = {"notebook": self.notebook_id, "sort": self.sort, "cells": "all" if self.all_cells else None}
        return "?" + urlencode({key: value for key, value in {**chosen, **changed}.items() if value})

    def ordered(self, rows: "Iterable[MapRow]") -> "list[MapRow]":
        """Return the rows sorted: by trouble (most failures first), by progress (furthest first), or by reading
        and name."""
        keys: dict[str, Callable[[MapRow], tuple[int, ...]]] = {
            "trouble": lambda row: (-row.states.count("3"), -row.states.count("2"), -row.furthest),
            "progress": lambda row: (-row.furthest, -row.states.count("1")),
            "name": lambda row: (),
        }
        key = keys[self.sort]
        return sorted(
            rows,
            key=lambda row: (*key(row), not row.reading_key, row.reading_key or _natural(row.name), row.student_id),
        )


def _natural(name: str) -> str:
    """Return a sort key for names that end in a number: Student 9 before Student 10."""
    head = name.rstrip("0123456789")
    number = name[len(head) :]
    return f"{head.lower()}{int(number[:18]):018}" if number else name.lower()
