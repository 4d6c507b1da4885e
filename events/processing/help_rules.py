"""The rules for help, pure: a student's recent signals in, whether they are asking now out.

The extension re-sends `help` every 10 s while its button is on, sends nothing when the browser closes, delivers out of
order and twice, and goes on after an instructor has dismissed the request, because it cannot be told. So the state is
not changed signal by signal: it is computed anew from all recent signals, which makes it the same for every order of
arrival. Source: docs/contract/events.md section 3.2.

Clocks of senders are wrong, and are set right in the middle of a lesson. So the sender's time orders the signals of one
session only, and only as long as its clock has not been set back (`in_order`); a session ends its own request and no
other; and of several sessions each is judged for itself, silence by the server's clock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

# A dismissed request counts as given up when nothing came for this long; help after that is a new request.
DISMISSED_SILENCE = timedelta(seconds=30)

# When a signal that came later but says it is older tells of a clock that was set back rather than of a slow delivery.
# The extension in the field gives up after 40 s: what is later than that by less than SURELY is late all the same (an
# offline queue), unless the next re-sends come with the same delay, or the clock had been ahead of ours, which nothing
# but a wrong clock can be.
LATE = timedelta(seconds=60)
SURELY = timedelta(minutes=10)
SAME_DELAY = timedelta(seconds=5)
AHEAD = timedelta(seconds=-5)


@dataclass(frozen=True, slots=True, order=True)
class Signal:
    at: datetime  # by the sender's clock
    kind: Literal["ask", "stop"]
    session: str | None = None
    notebook: str | None = None
    cell: str | None = None
    received: datetime | None = None  # by the server's clock; None: at once

    @property
    def heard(self) -> datetime:
        return self.received or self.at

    @property
    def delay(self) -> timedelta:
        """How long it was under way, if the sender's clock is right."""
        return self.heard - self.at


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long nothing must be heard for a request to be over."""

    single: timedelta  # where the sender has not re-sent
    resent: timedelta  # where it has, so that silence means something


@dataclass(frozen=True, slots=True)
class Dismissal:
    """An instructor ended the request of this session and notebook, having heard it up to `heard_until` by the sender's
    clock; and with it what any other session had asked until `ended_at` by ours."""

    heard_until: datetime
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
    first_heard: datetime | None = None  # by the server's clock, as the next
    last_heard: datetime | None = None


@dataclass(slots=True)
class HelpState:
    asking: OpenRequest | None = None
    stopped_at: datetime | None = None
    last_at: datetime | None = None
    stops: dict[str | None, datetime] = field(default_factory=dict)  # the latest stop of each session


def reduce_signals(signals: Iterable[Signal], *, silence: Timeouts, dismissal: Dismissal | None = None) -> HelpState:
    """The state after these signals, whatever their order here.

    Somebody who asks in two sessions asks until both have ended; the request is shown as that of the one heard last.
    """
    sessions: dict[str | None, list[Signal]] = defaultdict(list)
    for signal in set(signals):
        sessions[signal.session].append(signal)
    if not sessions:
        return HelpState()
    states = {session: _fold_session(each, silence, dismissal) for session, each in sessions.items()}
    now = max(signal.heard for each in sessions.values() for signal in each)
    open_ = [state.asking for state in states.values() if state.asking and _is_heard(state.asking, silence, now)]
    state = HelpState(
        stopped_at=max((s.stopped_at for s in states.values() if s.stopped_at), default=None),
        last_at=max((s.last_at for s in states.values() if s.last_at), default=None),
        stops={session: s.stopped_at for session, s in states.items() if s.stopped_at},
    )
    if open_:
        first = min(open_, key=lambda one: (one.first_heard or one.since, one.since, one.session or ""))
        state.asking = max(open_, key=lambda one: (one.last_heard or one.last, one.last, one.session or ""))
        if state.asking is not first:
            state.asking.since, state.asking.first_heard = first.since, first.first_heard
    return state


def in_order(signals: Sequence[Signal]) -> list[list[Signal]]:
    """The signals of one session in the order in which they were sent: by the sender's clock, in one part for each time
    that this clock was set back."""
    arrived = sorted(signals, key=lambda s: (s.heard, s.at))
    parts: list[list[Signal]] = [[]]
    for index, signal in enumerate(arrived):
        if parts[-1] and _is_set_back(signal, parts[-1], arrived[index + 1 :]):
            parts.append([])
        parts[-1].append(signal)
    return [sorted(part, key=lambda s: (s.at, s.kind == "stop", s.notebook or "", s.heard)) for part in parts]


def _is_set_back(signal: Signal, before: Sequence[Signal], later: Sequence[Signal]) -> bool:
    usual = min(each.delay for each in before)
    excess = signal.delay - usual
    if excess <= LATE or signal.at >= max(each.at for each in before):
        return False
    if usual < AHEAD or excess > SURELY:
        return True
    return any(
        each.heard - signal.heard >= SAME_DELAY and abs(each.delay - signal.delay) <= SAME_DELAY for each in later
    )


def _fold_session(signals: Sequence[Signal], silence: Timeouts, dismissal: Dismissal | None) -> HelpState:
    """The state of one session."""
    state = HelpState()
    absorbing = False  # re-sends of a dismissed request are passing by
    last_absorbed: datetime | None = None
    for part in in_order(signals):
        if state.asking:  # the clock was set back: what was asked before it is asked at its new time
            state.asking.last = min(state.asking.last, part[0].at)
        for signal in part:
            if signal.kind == "stop":
                state.asking, state.stopped_at, absorbing = None, signal.at, False
                continue
            state.last_at = signal.at
            if dismissal and _was_heard(signal, dismissal):
                state.asking = None
                if _belongs(signal, dismissal):
                    absorbing, last_absorbed = True, signal.at
                continue
            if absorbing and dismissal and _belongs(signal, dismissal):
                if last_absorbed and signal.at - last_absorbed <= DISMISSED_SILENCE:
                    last_absorbed = signal.at
                    continue
                absorbing = False
            _ask(state, signal, silence)
    return state


def _was_heard(signal: Signal, dismissal: Dismissal) -> bool:
    """Whether the instructor who ended the request had heard this."""
    if signal.session == dismissal.session:
        return signal.at <= dismissal.heard_until
    return dismissal.ended_at is not None and signal.heard <= dismissal.ended_at


def _belongs(signal: Signal, dismissal: Dismissal) -> bool:
    """Whether its re-sends belong to what was dismissed: of another session all that had been heard does."""
    return signal.session != dismissal.session or signal.notebook == dismissal.notebook


def _is_heard(asking: OpenRequest, silence: Timeouts, now: datetime) -> bool:
    """Whether this session has not been silent for too long, by the server's clock."""
    return now - (asking.last_heard or asking.last) <= (silence.resent if asking.resent else silence.single)


def _ask(state: HelpState, signal: Signal, silence: Timeouts) -> None:
    asking = state.asking
    if asking and signal.at - asking.last <= (silence.resent if asking.resent else silence.single):
        asking.resent = asking.resent or signal.at > asking.last
        asking.last = signal.at
        asking.last_heard = max(asking.last_heard or signal.heard, signal.heard)
        asking.first_heard = min(asking.first_heard or signal.heard, signal.heard)
        asking.session, asking.notebook = signal.session, signal.notebook
        asking.cell = signal.cell or asking.cell
    else:
        state.asking = OpenRequest(
            signal.at, signal.at, signal.session, signal.notebook, signal.cell,
            first_heard=signal.heard, last_heard=signal.heard,
        )  # fmt: skip
