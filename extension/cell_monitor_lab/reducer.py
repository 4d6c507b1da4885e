"""What a kernel's messages mean: which cells ran, when, and how they ended. No clock, no network, no files.

The rules are in README.md; the panel has the same in TypeScript, and both are tested with traces/*.jsonl.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Callable

from .contract import Cell, Run
from .tracked import Hint, Message, Output, Tracked

HINT_SECONDS = 2.0  # how long a run waits for the panel to say which cell it is
LATE_HINT_SECONDS = 5.0  # the same where a panel speaks for the kernel: on a busy machine its word comes late
FIRST_HINT_SECONDS = 10.0  # and where a page that is still starting has said nothing yet
STRAGGLER_SECONDS = 0.2  # outputs of other threads come after `idle`
LIFE_SECONDS = 5.0  # messages of a kernel that ended come late
REMEMBERED_RUNS = 1000
MAX_QUEUED = 20_000  # hints of which no message ever came; a notebook with so many cells may be run at once
MAX_SCHEDULED = 200


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
    run without a hint: None if there is none. `is_recording` is asked when a run begins. `ahead` is how far the wall
    clock is ahead of one that stands still while the machine sleeps: what it gained in a run is no part of that.
    `has_panel` tells whether hints may be expected, though none came yet.
    """

    kernel_id: str
    locate: Callable[[str], Cell | None] = lambda _code: None
    is_recording: Callable[[], bool] = lambda: True
    ahead: Callable[[], float] = lambda: 0.0
    has_panel: Callable[[], bool] = lambda: False
    counts: Counts = field(default_factory=Counts)
    has_hints: bool = False

    def __post_init__(self) -> None:
        self.life = 1
        self._has_run = False  # since this life began
        self._has_hint = False
        self._last_reason: str | None = None
        self._runs: dict[str, Tracked] = {}
        self._order: dict[str, Tracked] = {}  # as the kernel took them up, by msg id
        self._done: deque[str] = deque(maxlen=REMEMBERED_RUNS)
        self._scheduled: deque[Hint] = deque(maxlen=MAX_SCHEDULED)

    # Inputs

    def hint(self, hint: Hint, now: float) -> list[Output]:
        """Take in what the panel says of a run."""
        self.has_hints = True
        if hint.msg_id is None:
            waiting = [item for item in self._order.values() if not item.is_hinted and item.run.code == hint.code]
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
        if tracked.take_output(message):
            self._went_on(tracked, now)
        elif message.type == "execute_input":
            self._take_input(tracked, message, now)
        elif message.type == "status":
            self._take_status(tracked, message, now)
        elif message.type == "execute_reply":
            self._take_reply(tracked, message, now)
        return self.tick(now)

    def interrupted(self, now: float) -> list[Output]:
        """Take in that somebody interrupts the kernel."""
        for tracked in self._order.values():
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
        is_stopped, is_next = False, True
        for tracked in list(self._runs.values()):
            if tracked.end_reason is not None:
                continue
            if not tracked.seen_idle:
                tracked.end_reason = reason
                if is_next and (tracked.is_hinted or tracked.run.started_at is not None):
                    tracked.is_next, is_next = True, False
                tracked.run.finished_at = now
                self._close_at(tracked, now + LIFE_SECONDS)
            elif tracked.run.error_name == "KeyboardInterrupt":
                tracked.end_reason = reason
                tracked.closes_at = now
                is_stopped = True
            elif is_stopped and tracked.run.started_at is None:
                tracked.end_reason = reason  # aborted by what stopped the run before it
            elif tracked.run.msg_id not in self._order:
                del self._runs[tracked.run.msg_id]
        return self.tick(now)

    def found_idle(self, now: float, *, since: float) -> list[Output]:
        """Take in that the kernel is idle `since` then: of what is on or queued for longer, the end was lost."""
        for tracked in list(self._runs.values()):
            began = tracked.run.started_at or tracked.run.queued_at or now
            if now - began < LIFE_SECONDS:
                continue
            if tracked.is_on:
                tracked.seen_idle = tracked.run.is_end_estimated = True
                tracked.run.finished_at = min(max(since, began), now)
                tracked.closes_at = now
            elif tracked.run.msg_id not in self._order:
                del self._runs[tracked.run.msg_id]  # nobody knows what became of it
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
        for tracked in list(self._order.values()):
            if tracked.run.started_at is not None and not tracked.is_start_sent:
                if not self._is_located(tracked, now):
                    break
                tracked.is_start_sent = True
                self.counts.runs += not tracked.is_skipped
                if not tracked.is_skipped:
                    outputs.append(tracked.start())
            # What is due later than anything can be was set by a clock that was put back meanwhile.
            if tracked.closes_at is None or now < tracked.closes_at <= now + LIFE_SECONDS:
                break
            if tracked.run.started_at is None and not tracked.is_hinted:
                tracked.is_skipped = True  # a silent request that the end of the kernel cut
            del self._order[tracked.run.msg_id]
            del self._runs[tracked.run.msg_id]
            self._done.append(tracked.run.msg_id)
            if not tracked.is_skipped:
                tracked.note_sleep(self.ahead() - tracked.ahead)
                outputs.append(tracked.end())
        return outputs

    def due(self) -> float | None:
        """Return when `tick` has something to do next."""
        for tracked in self._order.values():
            if tracked.run.started_at is not None and not tracked.is_start_sent:
                return tracked.hint_by
            return tracked.closes_at
        return None

    @property
    def is_busy(self) -> bool:
        """Whether something is queued or on."""
        return bool(self._runs)

    def unlocated(self) -> list[str]:
        """Return the code of runs that still wait for a hint."""
        return [item.run.code for item in self._order.values() if not (item.is_hinted or item.is_start_sent)]

    # Messages of a run

    def _take_input(self, tracked: Tracked, message: Message, now: float) -> None:
        run = tracked.run
        for other in self._order.values():
            if other is tracked:
                continue
            if not other.seen_idle and other.end_reason is None:  # its idle was lost
                other.seen_idle = True
                other.run.finished_at = message.date
                other.run.is_end_estimated = True
            if not other.may_be_restart:  # which stopped that run, and is told when this one has begun
                other.closes_at = now
        tracked.is_skipped = tracked.is_skipped or not self.is_recording()
        run.started_at = message.date
        run.kernel_start = tracked.life = self.life
        run.code = message.content.get("code", "")
        run.execution_count = message.content.get("execution_count")
        run.finished_at = tracked.closes_at = tracked.end_reason = None
        tracked.ahead = self.ahead()
        late = FIRST_HINT_SECONDS if self.has_panel() else HINT_SECONDS
        tracked.hint_by = now + (LATE_HINT_SECONDS if self.has_hints else late)
        self._order.setdefault(tracked.run.msg_id, tracked)
        if not tracked.is_hinted:
            for hint in self._scheduled:
                if hint.code == run.code:
                    self._scheduled.remove(hint)
                    self._apply(tracked, hint, now)
                    break

    def _take_status(self, tracked: Tracked, message: Message, now: float) -> None:
        if message.content.get("execution_state") != "idle":
            return
        run = tracked.run
        tracked.seen_idle = True
        run.finished_at = message.date
        tracked.closes_at = now + STRAGGLER_SECONDS
        if tracked.may_be_restart:
            tracked.closes_at = now + LIFE_SECONDS  # a restart says so only after it
        if run.started_at is not None or tracked.is_hinted:
            self._close_at(tracked, tracked.closes_at)
        # Else it is a silent request, or a cell that never ran and of which the panel will tell.

    def _take_reply(self, tracked: Tracked, message: Message, now: float) -> None:
        """End a run by its reply, which only the browser hears. In a flood `idle` comes long after them, or never."""
        if not tracked.seen_idle and tracked.end_reason is None:
            tracked.run.finished_at = message.date
            self._close_at(tracked, now + LIFE_SECONDS)

    # Helpers

    def _starting(self, now: float) -> list[Output]:
        """Begin a new life of the kernel. If nobody reported the end of the last one, it was a restart."""
        if self._has_run:
            return self.life_ended("restarted", now)
        return self.tick(now)

    def _begin(self, msg_id: str, now: float) -> Tracked:
        self._drop_oldest_queued()
        run = Run(msg_id, self.kernel_id, self.life)
        tracked = Tracked(run, self.life, hint_by=now + HINT_SECONDS, is_skipped=not self.is_recording())
        self._runs[msg_id] = tracked
        return tracked

    def _apply(self, tracked: Tracked, hint: Hint, now: float) -> None:
        run = tracked.run
        tracked.is_hinted = True
        run.cell = hint.cell
        run.queued_at = hint.queued_at
        run.code = run.code or hint.code
        tracked.is_skipped = tracked.is_skipped or hint.cell.is_off
        if run.started_at is None and tracked.seen_idle:
            self._close_at(tracked, now)  # it is over already

    def _is_located(self, tracked: Tracked, now: float) -> bool:
        if tracked.is_hinted or tracked.is_skipped:
            return True
        if now < tracked.hint_by <= now + FIRST_HINT_SECONDS:
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

    def _went_on(self, tracked: Tracked, now: float) -> None:
        if tracked.closes_at is not None and not tracked.seen_idle and tracked.end_reason is None:
            tracked.closes_at = now + LIFE_SECONDS  # closed by its reply, but output still comes

    def _close_at(self, tracked: Tracked, when: float | None) -> None:
        tracked.closes_at = when
        self._order.setdefault(tracked.run.msg_id, tracked)

    def _drop_oldest_queued(self) -> None:
        if len(self._runs) >= MAX_QUEUED:
            queued = [item for item in self._runs.values() if item.run.msg_id not in self._order]
            for tracked in queued[: MAX_QUEUED // 2]:
                del self._runs[tracked.run.msg_id]
