"""Buffer the newest row and run of each student until they are sent."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from realtime.rows import LastRun, StudentRow


class Changed(NamedTuple):
    """Rows, and by student the latest run that their rows count."""

    rows: list[StudentRow]
    runs: dict[int, LastRun]


class RowBuffer:
    """The rows and runs that have changed since they were last taken."""

    def __init__(self) -> None:
        self._rows: dict[int, StudentRow] = {}
        self._runs: dict[int, LastRun] = {}

    def add(self, rows: Iterable[StudentRow]) -> None:
        for row in rows:
            self._rows[row["studentId"]] = row

    def add_runs(self, runs: Iterable[tuple[int, LastRun]] | Mapping[int, LastRun]) -> None:
        self._runs.update(runs)

    def take(self) -> Changed:
        """Remove and return all rows, and the runs of their students."""
        rows, self._rows = self._rows, {}
        runs = {pk: self._runs.pop(pk) for pk in rows if pk in self._runs}
        return Changed(list(rows.values()), runs)

    def __bool__(self) -> bool:
        return bool(self._rows)
