"""Event records exactly as the JupyterLab extension words them: the same keys in the same order, never null."""

from datetime import UTC, datetime
from random import Random
from uuid import UUID

from events.simulation.lesson import LessonCell
from events.simulation.students import Student

Event = dict[str, str | int | bool]


class Recorder:
    """Writes down what one student does.

    `ids` is a source of its own, so that event ids can differ between two runs of the same class: the server takes a
    known id for a repetition and would ignore the second run.
    """

    def __init__(self, *, student: Student, ids: Random) -> None:
        self._student = student
        self._ids = ids
        self._session = ""
        self.reload()

    def reload(self) -> None:
        """A page load: JupyterLab starts another session."""
        self._session = self._uuid()

    def signal(self, *, kind: str, at: datetime, path: str) -> Event:
        """An event about the notebook as a whole: `notebook_opened`, `help` or `help_stop`."""
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
        """A cell that ran; `count` is the kernel's counter, absent for Markdown and for cells that never really ran."""
        event = self.signal(kind="cell_executed", at=at, path=path)
        event |= {"cellId": cell.cell_id, "cellIndex": cell.index, "cellType": cell.kind, "code": code}
        if count is not None:
            event["executionCount"] = count
        event["hasError"] = bool(error)
        if error:
            event["errorMessage"] = error
        event["result"] = self._coloured(error) if error else result
        # The extension's own bookkeeping, not the kernel's time: a few milliseconds whatever ran.
        event["executionDurationMs"] = self._ids.randint(1, 9)
        return event

    def _coloured(self, error: str) -> str:
        """The error as the output area words it: about one in six with the colour codes of a traceback."""
        if self._ids.random() > 1 / 6:
            return error
        name, _, message = error.partition(": ")
        return f"\x1b[31m{name}\x1b[39m: {message}"

    def _uuid(self) -> str:
        return str(UUID(int=self._ids.getrandbits(128), version=4))


def wire_time(moment: datetime) -> str:
    """UTC with milliseconds and a Z, as JavaScript's toISOString writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
