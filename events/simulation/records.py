"""Event records exactly as the JupyterLab extension words them: the same keys in the same order, never null."""

from datetime import UTC, datetime
from random import Random
from uuid import UUID

from events.simulation.lesson import LessonCell
from events.simulation.students import SimulatedStudent

Event = dict[str, str | int | bool]


class Recorder:
    """Creates the event records of one student.

    `ids` is a separate random generator, so that event ids differ between two runs of the same class. The server
    ignores events with known ids.
    """

    def __init__(self, *, student: SimulatedStudent, ids: Random) -> None:
        self._student = student
        self._ids = ids
        self._session = ""
        self.reload()

    def reload(self) -> None:
        """Start a new session, like JupyterLab after a page load."""
        self._session = self._uuid()

    def signal(self, *, kind: str, at: datetime, path: str) -> Event:
        """Return an event about the notebook as a whole: `notebook_opened`, `help` or `help_stop`."""
        return {
            "eventId": self._uuid(),
            "eventType": kind,
            "eventTime": wire_time(at),
            "emailAddress": self._student.email,
            "teamName": self._student.team,
            "userName": self._student.name,
            "sessionId": self._session,
            "notebookPath": path,
        }

    def run(
        self,
        *,
        at: datetime,
        path: str,
        cell: LessonCell,
        code: str,
        count: int | None,
        error: str = "",
        result: str = "",
    ) -> Event:
        """Return a cell execution. `count` is the kernel's counter, None for Markdown and for aborted cells."""
        event = self.signal(kind="cell_executed", at=at, path=path)
        event |= {"cellId": cell.cell_id, "cellIndex": cell.index, "cellType": cell.kind, "code": code}
        if count is not None:
            event["executionCount"] = count
        event["hasError"] = bool(error)
        if error:
            event["errorMessage"] = error
        event["result"] = self._coloured(error) if error else result
        # The extension measures its own overhead and not the kernel's time: always a few milliseconds.
        event["executionDurationMs"] = self._ids.randint(1, 9)
        return event

    def _coloured(self, error: str) -> str:
        """Return the error as in the output area: about one in six with the colour codes of a traceback."""
        if self._ids.random() > 1 / 6:
            return error
        name, _, message = error.partition(": ")
        return f"\x1b[31m{name}\x1b[39m: {message}"

    def _uuid(self) -> str:
        return str(UUID(int=self._ids.getrandbits(128), version=4))


def wire_time(moment: datetime) -> str:
    """Return the time in UTC with milliseconds and a Z, like JavaScript's toISOString."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
