"""The rules for help requests: reduce a student's recent signals to the current state. Pure functions.

The extension re-sends `help` every 10 s while its button is on, sends nothing when the browser closes, delivers out of
order and twice, and continues after an instructor dismissed the request, because it is not notified. Therefore the
state is not changed signal by signal. It is computed again from all recent signals, so that the order of arrival does
not matter. Source: docs/contract/events.md section 3.2.

Senders' clocks may be wrong, and may be corrected during a lesson. Therefore the sender's time orders only the signals
of one session, and only until its clock is set back (`in_order`). A session ends only its own request. Each session is
reduced separately, with timeouts by the server's clock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

# After this time without a signal, another `help` is a new request and not a re-send of the dismissed one.
DISMISSED_TIMEOUT = timedelta(seconds=30)

# Distinguish a clock that was set back from a slow delivery, for a signal that arrived later but has an earlier time.
# The deployed extension gives up after 40 s. A delay below CERTAIN_DELAY is a late delivery (an offline queue), unless
# the next re-sends have the same delay, or the clock was ahead of the server's before.
SUSPICIOUS_DELAY = timedelta(seconds=60)
CERTAIN_DELAY = timedelta(minutes=10)
SAME_DELAY = timedelta(seconds=5)
CLOCK_AHEAD = timedelta(seconds=-5)


@dataclass(frozen=True, slots=True, order=True)
class HelpSignal:
    at: datetime  # by the sender's clock
    kind: Literal["ask", "stop"]
    session: str | None = None
    notebook: str | None = None
    cell: str | None = None
    received: datetime | None = None  # by the server's clock; None: at once

    @property
    def received_at(self) -> datetime:
        return self.received or self.at

    @property
    def delay(self) -> timedelta:
        """Return the time in transit, if the sender's clock is right."""
        return self.received_at - self.at


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The time without a signal after which a request is over."""

    single: timedelta  # if the sender has not re-sent the request
    resent: timedelta  # if it has, so that a missing re-send is significant


@dataclass(frozen=True, slots=True)
class Dismissal:
    """An instructor's ending of a request.

    It covers the signals of this session and notebook up to `last_signal_at` by the sender's clock, and those of any
    other session up to `ended_at` by the server's clock.
    """

    last_signal_at: datetime
    session: str | None
    notebook: str | None
    ended_at: datetime | None = None


@dataclass(slots=True)
class OpenRequest:
    """An open request."""

    since: datetime
    last: datetime
    session: str | None
    notebook: str | None
    cell: str | None
    resent: bool = False
    first_received_at: datetime | None = None  # by the server's clock, as the next field
    last_received_at: datetime | None = None


@dataclass(slots=True)
class HelpState:
    open_request: OpenRequest | None = None
    stopped_at: datetime | None = None
    last_at: datetime | None = None
    stops: dict[str | None, datetime] = field(default_factory=dict)  # the latest stop of each session


def reduce_signals(
    signals: Iterable[HelpSignal], *, timeouts: Timeouts, dismissal: Dismissal | None = None
) -> HelpState:
    """Return the state after these signals, in whatever order they are passed.

    A student who asks in two sessions has an open request until both have ended. The request has the session and
    notebook of the latest signal.
    """
    sessions: dict[str | None, list[HelpSignal]] = defaultdict(list)
    for signal in set(signals):
        sessions[signal.session].append(signal)
    if not sessions:
        return HelpState()
    states = {session: _reduce_session(each, timeouts, dismissal) for session, each in sessions.items()}
    now = max(signal.received_at for each in sessions.values() for signal in each)
    open_ = [
        state.open_request
        for state in states.values()
        if state.open_request and _is_current(state.open_request, timeouts, now)
    ]
    state = HelpState(
        stopped_at=max((s.stopped_at for s in states.values() if s.stopped_at), default=None),
        last_at=max((s.last_at for s in states.values() if s.last_at), default=None),
        stops={session: s.stopped_at for session, s in states.items() if s.stopped_at},
    )
    if open_:
        first = min(open_, key=lambda one: (one.first_received_at or one.since, one.since, one.session or ""))
        state.open_request = max(open_, key=lambda one: (one.last_received_at or one.last, one.last, one.session or ""))
        if state.open_request is not first:
            state.open_request.since, state.open_request.first_received_at = first.since, first.first_received_at
    return state


def in_order(signals: Sequence[HelpSignal]) -> list[list[HelpSignal]]:
    """Return the signals of one session in the order in which they were sent.

    Each part is sorted by the sender's clock; a new part begins whenever this clock was set back.
    """
    arrived = sorted(signals, key=lambda s: (s.received_at, s.at))
    parts: list[list[HelpSignal]] = [[]]
    for index, signal in enumerate(arrived):
        if parts[-1] and _is_set_back(signal, parts[-1], arrived[index + 1 :]):
            parts.append([])
        parts[-1].append(signal)
    return [sorted(part, key=lambda s: (s.at, s.kind == "stop", s.notebook or "", s.received_at)) for part in parts]


def _is_set_back(signal: HelpSignal, before: Sequence[HelpSignal], later: Sequence[HelpSignal]) -> bool:
    usual = min(each.delay for each in before)
    excess = signal.delay - usual
    if excess <= SUSPICIOUS_DELAY or signal.at >= max(each.at for each in before):
        return False
    if usual < CLOCK_AHEAD or excess > CERTAIN_DELAY:
        return True
    return any(
        each.received_at - signal.received_at >= SAME_DELAY and abs(each.delay - signal.delay) <= SAME_DELAY
        for each in later
    )


def _reduce_session(signals: Sequence[HelpSignal], timeouts: Timeouts, dismissal: Dismissal | None) -> HelpState:
    """Return the state of one session."""
    state = HelpState()
    absorbing = False  # ignoring re-sends of a dismissed request
    last_absorbed: datetime | None = None
    for part in in_order(signals):
        if state.open_request:  # the clock was set back: adjust the open request to the new time
            state.open_request.last = min(state.open_request.last, part[0].at)
        for signal in part:
            if signal.kind == "stop":
                state.open_request, state.stopped_at, absorbing = None, signal.at, False
                continue
            state.last_at = signal.at
            if dismissal and _was_seen(signal, dismissal):
                state.open_request = None
                if _is_resend(signal, dismissal):
                    absorbing, last_absorbed = True, signal.at
                continue
            if absorbing and dismissal and _is_resend(signal, dismissal):
                if last_absorbed and signal.at - last_absorbed <= DISMISSED_TIMEOUT:
                    last_absorbed = signal.at
                    continue
                absorbing = False
            _apply_ask(state, signal, timeouts)
    return state


def _was_seen(signal: HelpSignal, dismissal: Dismissal) -> bool:
    """Return whether the signal had arrived when the instructor ended the request."""
    if signal.session == dismissal.session:
        return signal.at <= dismissal.last_signal_at
    return dismissal.ended_at is not None and signal.received_at <= dismissal.ended_at


def _is_resend(signal: HelpSignal, dismissal: Dismissal) -> bool:
    """Return whether the signal belongs to the dismissed request: every signal of another session does."""
    return signal.session != dismissal.session or signal.notebook == dismissal.notebook


def _is_current(open_request: OpenRequest, timeouts: Timeouts, now: datetime) -> bool:
    """Return whether the session's last signal is recent enough by the server's clock."""
    return now - (open_request.last_received_at or open_request.last) <= (
        timeouts.resent if open_request.resent else timeouts.single
    )


def _apply_ask(state: HelpState, signal: HelpSignal, timeouts: Timeouts) -> None:
    open_request = state.open_request
    if open_request and signal.at - open_request.last <= (timeouts.resent if open_request.resent else timeouts.single):
        open_request.resent = open_request.resent or signal.at > open_request.last
        open_request.last = signal.at
        open_request.last_received_at = max(open_request.last_received_at or signal.received_at, signal.received_at)
        open_request.first_received_at = min(open_request.first_received_at or signal.received_at, signal.received_at)
        open_request.session, open_request.notebook = signal.session, signal.notebook
        open_request.cell = signal.cell or open_request.cell
    else:
        state.open_request = OpenRequest(
            signal.at, signal.at, signal.session, signal.notebook, signal.cell,
            first_received_at=signal.received_at, last_received_at=signal.received_at,
        )  # fmt: skip
