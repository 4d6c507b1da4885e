"""One kernel that is watched: its stream, its reducer, and the notebook of its session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .contract import Cell
from .gateway import GatewayStream
from .reducer import Reducer

CellOf = Callable[[str, dict[str, Any], int, dict[str, Any] | None], Cell]


class WatchedKernel:
    """What the watcher knows of a kernel. Use it on the event loop."""

    def __init__(self, kernel_id: str, reducer: Reducer) -> None:
        self.id = kernel_id
        self.reducer = reducer
        self.manager: Any = None
        self.stream: Any = None
        self.others = 0  # connections to the gateway that are not ours
        self.port: int | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.looked_up_at = float("-inf")  # when the saved notebook was last read, by time.monotonic()
        self._cells: list[tuple[str, Cell]] | None = None  # (source, cell) of the saved notebook; None: no notebook
        self._default_cell: Cell | None = None  # names the notebook alone

    @property
    def remote(self) -> GatewayStream | None:
        """The stream of a kernel behind a gateway."""
        return self.stream if isinstance(self.stream, GatewayStream) else None

    @property
    def is_watched(self) -> bool:
        """Whether each run that begins is seen here."""
        return self.remote.is_watching if self.remote else self.stream is not None

    def take_notebook(self, found: tuple[str, dict[str, Any]] | None, cell_of: CellOf) -> None:
        """Remember the code cells of the saved notebook, (path, content); None: the session has no notebook."""
        if found is None:
            self._cells = self._default_cell = None
            return
        path, notebook = found
        metadata = notebook.get("metadata") or {}
        self._default_cell = cell_of(path, metadata, 0, None)
        self._cells = [
            (_source(cell), cell_of(path, metadata, index, cell))
            for index, cell in enumerate(notebook.get("cells") or [])
            if cell.get("cell_type") == "code"
        ]

    def locate(self, code: str) -> Cell | None:
        """Return the one cell with this source, else the notebook alone; None where the kernel has no notebook."""
        if self._cells is None:
            return None
        found = [cell for source, cell in self._cells if source == code]
        return found[0] if len(found) == 1 else self._default_cell


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)
