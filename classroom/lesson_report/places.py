"""The numbers of cells as the class had them in a lesson.

Other classes may use a file of the same path in which the cells are in another order, and the shared row of a cell has
the position of whoever ran it last. So a cell's number comes from the class's latest run in the lesson, and from the
shared row only where the runs lack it.
"""

from dataclasses import dataclass
from typing import Any

from classroom.base.display import cell_number
from classroom.base.spans import Span
from core.postgres import fetch_all
from lms.access import Scope

PLACES = """
SELECT DISTINCT ON (cell_id) cell_id, cell_index FROM cell_executions
WHERE executed_at >= %(since)s AND executed_at < %(until)s AND cell_index >= 0
  AND student_id IN (SELECT unnest(%(students)s::bigint[])) {scope}
ORDER BY cell_id, executed_at DESC, id DESC
"""


@dataclass(frozen=True, slots=True)
class Places:
    """The positions of the cells that ran, from 0."""

    known: dict[int, int]

    def place(self, cell_id: int, position: int | None) -> int | None:
        """Return the position of a cell; `position` is that of its shared row."""
        return self.known.get(cell_id, position)

    def number(self, cell_id: int, position: int | None) -> str:
        return cell_number(self.place(cell_id, position))


def places_in(students: list[int], span: Span, *, scope: Scope) -> Places:
    """Return the positions. One query."""
    named: dict[str, Any] = {"students": students, "since": span.since, "until": span.until}
    return Places(dict(fetch_all(PLACES.format(scope=scope.sql()), named)))
