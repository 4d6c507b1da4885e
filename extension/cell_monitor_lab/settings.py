"""What is remembered across processes: the student, their token, consent and pause. One small file, mode 0600."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import uuid
from pathlib import Path
from typing import Any


class Settings:
    """A JSON object in a file that several servers on one home may share: the last writer of a value wins.

    Where the file cannot be written, values live in memory. Threads may share it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}
        self._read_at: tuple[int, int] | None = None  # size and time of the file that was read

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value; reads the file anew if another process has written it."""
        with self._lock:
            self._read()
            return self._values.get(name, default)

    def put(self, **values: Any) -> None:
        """Store values; None removes one."""
        with self._lock:
            self._read()
            for name, value in values.items():
                if value is None:
                    self._values.pop(name, None)
                else:
                    self._values[name] = value
            self._write()

    def _read(self) -> None:
        if self._path is None:
            return
        try:
            stat = self._path.stat()
            if (stat.st_size, stat.st_mtime_ns) == self._read_at:
                return
            values = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return
        self._read_at = (stat.st_size, stat.st_mtime_ns)
        if isinstance(values, dict):
            self._values = values

    def _write(self) -> None:
        if self._path is None:
            return
        new = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(self._values, file, ensure_ascii=False, indent=1)
            os.replace(new, self._path)
            stat = self._path.stat()
            self._read_at = (stat.st_size, stat.st_mtime_ns)
        except OSError:
            with contextlib.suppress(OSError):  # nor can it be removed where the home is read-only
                new.unlink()
