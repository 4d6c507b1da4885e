"""Buffer the newest row of each student until it is sent; under load a student's row is sent at most once a second."""

import time
from collections.abc import Iterable

from realtime.messages import Notice
from realtime.rows import LastRun, StudentRow, cell_execution, progress_update

MIN_INTERVAL = 1.0  # seconds between two rows of one student, under load
# More waiting rows than this are "load" (websocket.md section 4.3). A class of 200 in which every student runs a cell
# each second has about 20 rows waiting at a poll: those are sent at once.
LOAD = 200
# `cell_execution` repeats what the row says; under load most of them are left out.
MAX_RUNS = 20  # frames per poll


class RowBuffer:
    """The rows and runs that have changed since they were last sent."""

    def __init__(self) -> None:
        self._rows: dict[int, StudentRow] = {}
        self._runs: dict[int, LastRun] = {}
        self._sent_at: dict[int, float] = {}

    def add(self, rows: Iterable[StudentRow]) -> None:
        for row in rows:
            self._rows[row["studentId"]] = row

    def add_runs(self, runs: Iterable[tuple[int, LastRun]]) -> None:
        for student, run in runs:
            self._runs[student] = run

    def take(self) -> list[StudentRow]:
        """Remove and return the rows that are due."""
        now = time.monotonic()
        pause = MIN_INTERVAL if len(self._rows) > LOAD else 0.0
        due = [row for pk, row in self._rows.items() if now - self._sent_at.get(pk, -1e9) >= pause]
        for row in due:
            del self._rows[row["studentId"]]
            self._sent_at[row["studentId"]] = now
        return due

    def take_frames(self, *, with_runs: bool = True) -> list[Notice]:
        """Remove the due rows and return frames for a dashboard: all rows in one, then one for each run they count."""
        rows = self.take()
        if not rows:
            return []
        frames: list[Notice] = [progress_update(rows)]
        runs = [(row, self._runs.pop(row["studentId"], None)) for row in rows]
        if with_runs:
            frames += [cell_execution(row, run) for row, run in runs if run][:MAX_RUNS]
        return frames
