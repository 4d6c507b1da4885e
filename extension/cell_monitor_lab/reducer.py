"""What a kernel's messages mean: which cells ran, when, and how they ended. No clock, no network, no files.

The rules are in README.md; the panel has the same in TypeScript, and both are tested with traces/*.jsonl.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable

from .contract import Cell, Event, Run, run_ended, run_started

HINT_SECONDS = 2.0  # how long a run waits for the panel to say which cell it is
LATE_HINT_SECONDS = 5.0  # the same where a panel speaks for the kernel: on a busy machine its word comes late
STRAGGLER_SECONDS = 0.2  # outputs of other threads come after `idle`
LIFE_SECONDS = 5.0  # messages of a kernel that ended come late
REMEMBERED_RUNS = 1000
MAX_QUEUED = 1000  # hints of which no message ever came
MAX_SCHEDULED = 200


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
class _Tracked:
    run: Run
    life: int
    hint_by: float  # until then a hint may come
    is_hinted: bool = False
    is_skipped: bool = False
    is_start_sent: bool = False
    is_interrupted: bool = False
    closes_at: float | None = None
    end_reason: str | None = None  # the kernel's life ended: restarted, died, shutdown, server-stopped
    seen_idle: bool = False


@dataclass
class Counts:
    """For the panel's diagnosis."""

    runs: int = 0
    without_hint: int = 0  # reported by path or source
    unexplained: int = 0  # no cell of a notebook: not reported
    kernel_starts: int = 0


@dataclass
class Reducer:
    """The runs of one kernel. Every input returns the events that are due then; `due` says when to call `tick`.

    `now` is in seconds by any clock that goes on evenly with that of the kernel's dates. `locate` finds the cell of a
    run without a hint: None if there is none. `is_recording` is asked when a run begins.
    """

    kernel_id: str
    locate: Callable[[str], Cell | None] = lambda _code: None
    is_recording: Callable[[], bool] = lambda: True
    counts: Counts = field(default_factory=Counts)
    has_hints: bool = False

    def __post_init__(self) -> None:
        self.life = 1
        self._has_run = False  # since this life began
        self._has_hint = False
        self._last_reason: str | None = None
        self._runs: dict[str, _Tracked] = {}
        self._order: list[_Tracked] = []  # as the kernel took them up
        self._done: deque[str] = deque(maxlen=REMEMBERED_RUNS)
        self._scheduled: deque[Hint] = deque(maxlen=MAX_SCHEDULED)

    # Inputs

    def hint(self, hint: Hint, now: float) -> list[Output]:
        """Take in what the panel says of a run."""
        self.has_hints = True
        if hint.msg_id is None:
            waiting = [item for item in self._order if not item.is_hinted and item.run.code == hint.code]
            if waiting:
                self._apply(waiting[0], hint, now)
            else:
                self._scheduled.append(hint)
            return self.tick(now)
        if hint.msg_id in self._done:
            return []
        tracked = self._runs.get(hint.msg_id) or self._begin(hint.msg_id, now)
        self._has_hint = True
        self._apply(tracked, hint, now)
        return self.tick(now)

    def message(self, message: Message, now: float) -> list[Output]:
        """Take in a message of IOPub, or, where only the browser sees the kernel, a reply."""
        if message.type == "status" and message.content.get("execution_state") == "starting":
            return self._starting(now)
        if message.parent_id is None or message.parent_type != "execute_request" or message.subshell_id:
            return self.tick(now)
        if message.parent_id in self._done:
            return self.tick(now)
        tracked = self._runs.get(message.parent_id) or self._begin(message.parent_id, now)
        self._has_run = True
        take = getattr(self, f"_take_{message.type}", None)
        if take is not None:
            take(tracked, message, now)
        return self.tick(now)

    def interrupted(self, now: float) -> list[Output]:
        """Take in that somebody interrupts the kernel."""
        for tracked in self._order:
            if not tracked.seen_idle or tracked.run.error_name == "KeyboardInterrupt":
                tracked.is_interrupted = True
                if tracked.seen_idle:
                    tracked.closes_at = now
        return self.tick(now)

    def life_ended(self, reason: str, now: float) -> list[Output]:
        """Take in that the kernel's process ended: restarted, died, shutdown or server-stopped.

        One end is told several times. What came first stays, but a shutdown may turn out to be half of a restart.
        """
        if not self._has_run and not self._has_hint:
            if self._last_reason == "shutdown" and reason != "shutdown":
                for tracked in self._runs.values():
                    if tracked.end_reason == "shutdown":
                        tracked.end_reason = reason
                self._last_reason = reason
            return self.tick(now)
        self.life += 1
        self.counts.kernel_starts += 1
        self._has_run = self._has_hint = False
        self._last_reason = reason
        self._scheduled.clear()
        is_stopped = False
        for tracked in list(self._runs.values()):
            if tracked.end_reason is not None:
                continue
            if not tracked.seen_idle:
                tracked.end_reason = reason
                tracked.run.finished_at = now
                self._close_at(tracked, now + LIFE_SECONDS)
            elif tracked.run.error_name == "KeyboardInterrupt":
                tracked.end_reason = reason
                tracked.closes_at = now
                is_stopped = True
            elif is_stopped and tracked.run.started_at is None:
                tracked.end_reason = reason  # aborted by what stopped the run before it
            elif tracked not in self._order:
                del self._runs[tracked.run.msg_id]
        return self.tick(now)

    def close(self, now: float) -> list[Output]:
        """End everything that is open, because the server stops."""
        outputs = self.life_ended("server-stopped", now)
        for tracked in self._runs.values():
            tracked.closes_at = tracked.hint_by = now
        return outputs + self.tick(now)

    def tick(self, now: float) -> list[Output]:
        """Return the events that are due, in the order in which the kernel took up the runs."""
        outputs: list[Output] = []
        for tracked in list(self._order):
            if tracked.run.started_at is not None and not tracked.is_start_sent:
                if not self._is_located(tracked, now):
                    break
                tracked.is_start_sent = True
                self.counts.runs += not tracked.is_skipped
                if not tracked.is_skipped:
                    outputs.append(_start(tracked.run))
            if tracked.closes_at is None or now < tracked.closes_at:
                break
            if tracked.run.started_at is None and not tracked.is_hinted:
                tracked.is_skipped = True  # a silent request that the end of the kernel cut
            self._order.remove(tracked)
            del self._runs[tracked.run.msg_id]
            self._done.append(tracked.run.msg_id)
            if not tracked.is_skipped:
                event = run_ended(tracked.run, *_verdict(tracked))
                outputs.append(Output(event, tracked.run.msg_id, "end"))
        return outputs

    def due(self) -> float | None:
        """Return when `tick` has something to do next."""
        for tracked in self._order:
            if tracked.run.started_at is not None and not tracked.is_start_sent:
                return tracked.hint_by
            return tracked.closes_at
        return None

    def unlocated(self) -> list[str]:
        """Return the code of runs that still wait for a hint."""
        return [item.run.code for item in self._order if not (item.is_hinted or item.is_start_sent)]

    # Messages of a run

    def _take_execute_input(self, tracked: _Tracked, message: Message, now: float) -> None:
        run = tracked.run
        for other in self._order:
            if other is tracked:
                continue
            if not other.seen_idle and other.end_reason is None:  # its idle was lost
                other.seen_idle = True
                other.run.finished_at = message.date
                other.run.is_end_estimated = True
            if not _may_be_restart(other):  # which stopped that run, and is told when this one has begun
                other.closes_at = now
        tracked.is_skipped = tracked.is_skipped or not self.is_recording()
        run.started_at = message.date
        run.kernel_start = tracked.life = self.life
        run.code = message.content.get("code", "")
        run.execution_count = message.content.get("execution_count")
        run.finished_at = tracked.closes_at = tracked.end_reason = None
        tracked.hint_by = now + (LATE_HINT_SECONDS if self.has_hints else HINT_SECONDS)
        if tracked not in self._order:
            self._order.append(tracked)
        if not tracked.is_hinted:
            for hint in self._scheduled:
                if hint.code == run.code:
                    self._scheduled.remove(hint)
                    self._apply(tracked, hint, now)
                    break

    def _take_stream(self, tracked: _Tracked, message: Message, now: float) -> None:
        run = tracked.run
        run.output_bytes += message.size
        if run.output.is_full:
            run.output.add_later(message.size, lambda: _stream_text(message))
        else:
            run.output.add(*_stream_text(message))
        self._went_on(tracked, now)

    def _take_display_data(self, tracked: _Tracked, message: Message, now: float) -> None:
        run = tracked.run
        run.output_bytes += message.size
        data = message.content.get("data") or {}
        for mime, value in data.items():
            size = len(value) if isinstance(value, str) else len(str(value))
            run.output_types[mime] = run.output_types.get(mime, 0) + size
        text = data.get("text/plain")
        if text is not None:
            run.output.add("result", ("".join(text) if isinstance(text, list) else str(text)) + "\n")
        self._went_on(tracked, now)

    _take_execute_result = _take_display_data

    def _take_clear_output(self, tracked: _Tracked, message: Message, now: float) -> None:
        tracked.run.output.clear(wait=bool(message.content.get("wait")))
        self._went_on(tracked, now)

    def _take_error(self, tracked: _Tracked, message: Message, now: float) -> None:
        run, content = tracked.run, message.content
        run.error_name = str(content.get("ename") or "Error")
        run.error_value = str(content.get("evalue") or "")
        run.traceback = "\n".join(str(line) for line in content.get("traceback") or [])
        self._went_on(tracked, now)

    def _take_status(self, tracked: _Tracked, message: Message, now: float) -> None:
        if message.content.get("execution_state") != "idle":
            return
        run = tracked.run
        tracked.seen_idle = True
        run.finished_at = message.date
        tracked.closes_at = now + STRAGGLER_SECONDS
        if _may_be_restart(tracked):
            tracked.closes_at = now + LIFE_SECONDS  # a restart says so only after it
        if run.started_at is not None or tracked.is_hinted:
            self._close_at(tracked, tracked.closes_at)
        # Else it is a silent request, or a cell that never ran and of which the panel will tell.

    def _take_execute_reply(self, tracked: _Tracked, message: Message, now: float) -> None:
        """Only the browser hears replies. In a flood `idle` comes long after them, or never."""
        if not tracked.seen_idle and tracked.end_reason is None:
            tracked.run.finished_at = message.date
            self._close_at(tracked, now + LIFE_SECONDS)

    # Helpers

    def _starting(self, now: float) -> list[Output]:
        """A new life begins. If nobody said that the last one ended, it was a restart."""
        if self._has_run:
            return self.life_ended("restarted", now)
        return self.tick(now)

    def _begin(self, msg_id: str, now: float) -> _Tracked:
        self._drop_oldest_queued()
        run = Run(msg_id, self.kernel_id, self.life)
        tracked = _Tracked(run, self.life, hint_by=now + HINT_SECONDS, is_skipped=not self.is_recording())
        self._runs[msg_id] = tracked
        return tracked

    def _apply(self, tracked: _Tracked, hint: Hint, now: float) -> None:
        run = tracked.run
        tracked.is_hinted = True
        run.cell = hint.cell
        run.queued_at = hint.queued_at
        run.code = run.code or hint.code
        tracked.is_skipped = tracked.is_skipped or hint.cell.is_off
        if run.started_at is None and tracked.seen_idle:
            self._close_at(tracked, now)  # it is over already

    def _is_located(self, tracked: _Tracked, now: float) -> bool:
        if tracked.is_hinted or tracked.is_skipped:
            return True
        if now < tracked.hint_by:
            return False
        cell = self.locate(tracked.run.code)
        # Where the panel speaks, a run that it does not know is a request of another extension.
        if cell is None or cell.is_off or (cell.cell_id is None and self.has_hints):
            tracked.is_skipped = True
            self.counts.unexplained += 1
        else:
            tracked.run.cell = cell
            self.counts.without_hint += 1
        return True

    def _went_on(self, tracked: _Tracked, now: float) -> None:
        if tracked.closes_at is not None and not tracked.seen_idle and tracked.end_reason is None:
            tracked.closes_at = now + LIFE_SECONDS  # closed by its reply, but output still comes

    def _close_at(self, tracked: _Tracked, when: float | None) -> None:
        tracked.closes_at = when
        if tracked not in self._order:
            self._order.append(tracked)

    def _drop_oldest_queued(self) -> None:
        if len(self._runs) >= MAX_QUEUED:
            queued = [item for item in self._runs.values() if item not in self._order]
            for tracked in queued[: MAX_QUEUED // 2]:
                del self._runs[tracked.run.msg_id]


def _start(run: Run) -> Output:
    unfinished = run_ended(Run(**{**vars(run), "finished_at": None}), "aborted", "server-stopped")
    unfinished.pop("executionDurationMs", None)  # nobody knows
    unfinished.pop("result", None)
    return Output(run_started(run), run.msg_id, "start", unfinished)


def _may_be_restart(tracked: _Tracked) -> bool:
    """Tell whether a run was stopped, and nobody said yet why."""
    is_stopped = tracked.run.error_name == "KeyboardInterrupt"
    return is_stopped and not tracked.is_interrupted and tracked.end_reason is None


def _verdict(tracked: _Tracked) -> tuple[str, str | None]:
    """Return status and reason. A run that a person stopped is aborted, so that it is no error in a row."""
    run, reason = tracked.run, tracked.end_reason
    if run.started_at is None:
        return "aborted", reason or "error-before"
    if run.error_name == "KeyboardInterrupt":
        if reason in ("restarted", "shutdown", "server-stopped"):
            return "aborted", reason
        if tracked.is_interrupted:
            return "aborted", "interrupted"
    if run.error_name is not None:
        return "error", None
    if tracked.seen_idle or reason is None:
        return "success", None
    if reason == "died":
        run.error_name, run.error_value = "KernelDied", "the kernel's process ended during this run"
        return "error", None
    return "aborted", reason


def _stream_text(message: Message) -> tuple[str, str]:
    content = message.content
    return str(content.get("name", "stdout")), str(content.get("text", ""))
