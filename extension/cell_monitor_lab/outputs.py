"""The text output of a run, kept within a limit while it arrives."""

from __future__ import annotations

from collections import deque
from typing import Callable

HEAD_BYTES = 12 * 1024
TAIL_BYTES = 4 * 1024


class OutputText:
    """The first 12 KiB and the last 4 KiB of what a run printed and showed, in order, as UTF-8.

    What lies between is counted only, so that a flood costs neither memory nor time.
    """

    def __init__(self) -> None:
        self._head = ""
        self._tail = ""
        self._is_full = False
        self._skipped = 0  # bytes
        self._source = ""
        self._clears_next = False
        self._later: deque[tuple[int, Callable[[], tuple[str, str]]]] = deque()

    def add(self, source: str, text: str) -> None:
        """Append text of `source`: stdout, stderr or result. Where stderr begins, a line says so."""
        if self._clears_next:
            self._clears_next = False
            self.clear()
        if source != self._source:
            self._source = source
            if source == "stderr":
                text = self._new_line() + "[stderr]\n" + text
            elif source == "result":
                text = self._new_line() + text
        if self._is_full:
            self._add_to_tail(text)
            return
        self._head = apply_carriage_returns(self._head + text)
        if _size(self._head) > HEAD_BYTES:
            head = clip(self._head, HEAD_BYTES)
            rest = self._head[len(head) :]
            self._head, self._is_full = head, True
            self._add_to_tail(rest)

    @property
    def is_full(self) -> bool:
        """Whether the beginning is complete, so that only the end of what comes matters."""
        return self._is_full

    def add_later(self, size: int, load: Callable[[], tuple[str, str]]) -> None:
        """Append a message of `size` bytes once the beginning is complete. Only those at the end are ever decoded:
        `load` returns source and text."""
        self._later.append((size, load))
        while len(self._later) > 1 and sum(size for size, _load in self._later) - self._later[0][0] >= 2 * TAIL_BYTES:
            self._skipped += self._later.popleft()[0]

    def clear(self, *, wait: bool = False) -> None:
        """Forget what was shown; with `wait` as soon as something new comes."""
        self._clears_next = wait
        if not wait:
            self._head = self._tail = self._source = ""
            self._later.clear()
            self._is_full = False
            self._skipped = 0

    def text(self) -> str:
        """Return what is kept, with a line that says how much is missing."""
        while self._later:
            _size_of_message, load = self._later.popleft()
            self.add(*load())
        tail = apply_carriage_returns(self._tail)
        kept = clip_end(tail, TAIL_BYTES)
        missing = self._skipped + _size(tail) - _size(kept)
        if not missing:
            return self._head + kept
        return f"{self._head}\n[… {missing:,} bytes are not shown …]\n{kept}"

    def _add_to_tail(self, text: str) -> None:
        tail = self._tail + text
        if len(tail) > 4 * TAIL_BYTES:  # cut rarely; what is too long is cut for good in text()
            kept = tail[-2 * TAIL_BYTES :]
            self._skipped += _size(tail) - _size(kept)
            tail = kept
        self._tail = tail

    def _new_line(self) -> str:
        shown = self._tail or self._head
        return "" if not shown or shown.endswith("\n") else "\n"


def apply_carriage_returns(text: str) -> str:
    """Return what a terminal shows: text after a carriage return overwrites its line from the beginning."""
    if "\r" not in text:
        return text
    return "\n".join(_overwritten(line) for line in text.replace("\r\n", "\n").split("\n"))


def _overwritten(line: str) -> str:
    *older, newest = line.split("\r")
    shown = ""
    for part in older:
        shown = part + shown[len(part) :]
    # A carriage return at the end has overwritten nothing yet.
    return newest + shown[len(newest) :] if newest else shown + "\r" * bool(older)


def clip(text: str, size: int) -> str:
    """Return the beginning of `text`, at most `size` bytes of UTF-8."""
    if len(text) * 4 <= size:
        return text
    return _encoded(text[:size])[:size].decode("utf-8", "ignore")


def clip_end(text: str, size: int) -> str:
    """Return the end of `text`, at most `size` bytes of UTF-8."""
    if len(text) * 4 <= size:
        return text
    return _encoded(text[-size:])[-size:].decode("utf-8", "ignore") if size else ""


def _encoded(text: str) -> bytes:
    """Return UTF-8. Half of a surrogate pair, which Python lets a program print, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _size(text: str) -> int:
    return len(_encoded(text))
