"""One run as its messages tell it: what it printed, how it ended, and what belongs to it until then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from .contract import Cell, Event, Run, run_ended, run_started

SLEPT_SECONDS = 2.0  # from where the wall clock was set, or went on while the machine slept


@dataclass
class Message:
    """One message of a kernel. `load` decodes its content, which is expensive in a flood."""

    type: str
    date: float  # seconds since 1970, by the kernel
    parent_id: str | None
    parent_type: str | None
    size: int
    load: Callable[[], dict[str, Any]]
    subshell_id: str | None = None

    @property
    def content(self) -> dict[str, Any]:
        return self.load()


@dataclass
class Hint:
    """What the panel says of a run. `msg_id` is None where the server runs the cell: it is found by its code."""

    cell: Cell
    msg_id: str | None = None
    code: str = ""
    queued_at: float | None = None


@dataclass
class Output:
    """An event, and how it belongs to the run `msg_id`. A start brings the end that is sent if no other ever comes."""

    event: Event
    msg_id: str
    phase: str  # start, end
    unfinished: Event | None = None


@dataclass
class Tracked:
    """A run that is queued or on, and what the reducer knows of it."""

    run: Run
    life: int
    hint_by: float  # until then a hint may come
    is_hinted: bool = False
    is_skipped: bool = False
    is_start_sent: bool = False
    is_interrupted: bool = False
    closes_at: float | None = None
    end_reason: str | None = None  # the kernel's life ended: restarted, died, shutdown, server-stopped
    is_next: bool = False  # then it was the first that was not done: the kernel had taken it up, or was about to
    seen_idle: bool = False
    ahead: float = 0.0  # of the wall clock when it began

    @property
    def is_on(self) -> bool:
        """Whether it began, and nothing said yet that it ended."""
        return self.run.started_at is not None and not self.seen_idle and self.end_reason is None

    @property
    def may_be_restart(self) -> bool:
        """Whether it was stopped, and nobody said yet why."""
        is_stopped = self.run.error_name == "KeyboardInterrupt"
        return is_stopped and not self.is_interrupted and self.end_reason is None

    def take_output(self, message: Message) -> bool:
        """Take in what the run prints, shows or raises; False for any other message."""
        take = getattr(self, f"_take_{message.type}", None)
        if take is not None:
            take(message)
        return take is not None

    def _take_stream(self, message: Message) -> None:
        run = self.run
        run.output_bytes += message.size
        if run.output.is_full:
            run.output.add_later(message.size, lambda: _stream_text(message))
        else:
            run.output.add(*_stream_text(message))

    def _take_display_data(self, message: Message) -> None:
        run = self.run
        run.output_bytes += message.size
        data = message.content.get("data") or {}
        for mime, value in data.items():
            size = len(value) if isinstance(value, str) else len(str(value))
            run.output_types[mime] = run.output_types.get(mime, 0) + size
        text = data.get("text/plain")
        if text is not None:
            run.output.add("result", ("".join(text) if isinstance(text, list) else str(text)) + "\n")

    _take_execute_result = _take_display_data

    def _take_clear_output(self, message: Message) -> None:
        self.run.output.clear(wait=bool(message.content.get("wait")))

    def _take_error(self, message: Message) -> None:
        run, content = self.run, message.content
        run.error_name = str(content.get("ename") or "Error")
        run.error_value = str(content.get("evalue") or "")
        run.traceback = "\n".join(str(line) for line in content.get("traceback") or [])

    def note_sleep(self, gained: float) -> None:
        """Take in what the wall clock gained since the start: where the dates have it, it is no part of the run."""
        run = self.run
        if run.started_at is None or run.finished_at is None or abs(gained) < SLEPT_SECONDS:
            return
        took = run.finished_at - run.started_at
        if took > gained - SLEPT_SECONDS if gained > 0 else took < 0:
            run.slept = min(gained, took)

    def start(self) -> Output:
        """Return the event of its start."""
        run = self.run
        unfinished = run_ended(Run(**{**vars(run), "finished_at": None}), "aborted", "server-stopped")
        unfinished.pop("executionDurationMs", None)  # nobody knows
        unfinished.pop("result", None)
        return Output(run_started(run), run.msg_id, "start", unfinished)

    def end(self) -> Output:
        """Return the event of its end."""
        return Output(run_ended(self.run, *self._verdict()), self.run.msg_id, "end")

    def _verdict(self) -> tuple[str, str | None]:
        """Return status and reason. A run that a person stopped is aborted, so that it is no error in a row."""
        run, reason = self.run, self.end_reason
        if run.started_at is None and not (reason == "died" and self.is_next):
            return "aborted", reason or "error-before"
        if run.error_name == "KeyboardInterrupt":
            if reason in ("restarted", "shutdown", "server-stopped"):
                return "aborted", reason
            if self.is_interrupted:
                return "aborted", "interrupted"
        if run.error_name is not None:
            return "error", None
        if self.seen_idle or reason is None:
            return "success", None
        if reason == "died":  # a process that is killed at once does not even say that the run has begun
            run.error_name, run.error_value = "KernelDied", "the kernel's process ended during this run"
            return "error", None
        return "aborted", reason


def _stream_text(message: Message) -> tuple[str, str]:
    content = message.content
    return str(content.get("name", "stdout")), str(content.get("text", ""))
