"""Rows of students on their way to a screen: the newest of each; under load none more often than once a second."""

import time
from collections.abc import Iterable

from realtime import messages
from realtime.messages import Frame, LastRun, StudentRow

ONCE_A_STUDENT = 1.0  # seconds between two rows of one student, under load
# Rows that wait at a look for this to be load. A class of 200 in which everybody runs a cell each second brings about
# 20 a look, and nobody should wait a second for what a browser draws at once (websocket.md section 4.3: "under load").
LOAD = 200
# `cell_execution` says nothing that the row does not say; under load most of them are left out.
MOST_RUNS = 20  # frames a look


class RowBuffer:
    """What has changed since it was last sent."""

    def __init__(self) -> None:
        self._rows: dict[int, StudentRow] = {}
        self._runs: dict[int, LastRun] = {}
        self._sent_at: dict[int, float] = {}

    def note(self, rows: Iterable[StudentRow]) -> None:
        for row in rows:
            self._rows[row["studentId"]] = row

    def note_runs(self, runs: Iterable[tuple[int, LastRun]]) -> None:
        for student, run in runs:
            self._runs[student] = run

    def take(self) -> list[StudentRow]:
        """What is due now."""
        now = time.monotonic()
        pause = ONCE_A_STUDENT if len(self._rows) > LOAD else 0.0
        due = [row for pk, row in self._rows.items() if now - self._sent_at.get(pk, -1e9) >= pause]
        for row in due:
            del self._rows[row["studentId"]]
            self._sent_at[row["studentId"]] = now
        return due

    def take_frames(self, *, with_runs: bool = True) -> list[Frame]:
        """The same as frames for a dashboard: the rows in one, then the runs that these rows have counted."""
        rows = self.take()
        if not rows:
            return []
        frames = [messages.progress_update(rows)]
        runs = [(row, self._runs.pop(row["studentId"], None)) for row in rows]
        if with_runs:
            frames += [messages.cell_execution(row, run) for row, run in runs if run][:MOST_RUNS]
        return frames
