"""The rules for help, pure: a student's recent signals in, whether they are asking now out.

The extension re-sends `help` every 10 s while its button is on, sends nothing when the browser closes, delivers out of
order and twice, and goes on after an instructor has dismissed the request, because it cannot be told. So the state is
not changed signal by signal: it is computed anew from all recent signals in the sender's order, which makes it the
same for every order of arrival. Source: docs/contract/events.md section 3.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

# A dismissed request counts as given up when nothing came for this long; help after that is a new request.
DISMISSED_SILENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, order=True)
class Signal:
    at: datetime  # by the sender's clock
    kind: Literal["ask", "stop"]
    session: str | None = None
    notebook: str | None = None
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing must be heard for a request to be over."""

    single: timedelta  # where the sender has not re-sent
    resent: timedelta  # where it has, so that silence means something


@dataclass(frozen=True, slots=True)
class Dismissal:
    """An instructor ended the request of this session and notebook, having heard it up to `heard_until`."""

    heard_until: datetime
    session: str | None
    notebook: str | None


@dataclass(slots=True)
class Asking:
    """An open request."""

    since: datetime
    last: datetime
    session: str | None
    notebook: str | None
    cell: str | None
    resent: bool = False


@dataclass(slots=True)
class HelpState:
    asking: Asking | None = None
    stopped_at: datetime | None = None
    last_at: datetime | None = None


def fold(signals: Iterable[Signal], *, silence: Silence, dismissal: Dismissal | None = None) -> HelpState:
    """The state after these signals, whatever their order here."""
    state = HelpState()
    absorbing = False  # re-sends of a dismissed request are passing by
    last_absorbed: datetime | None = None
    for signal in sorted(set(signals), key=lambda s: (s.at, s.kind == "stop", s.session or "", s.notebook or "")):
        if signal.kind == "stop":
            state.asking, state.stopped_at, absorbing = None, signal.at, False
            continue
        state.last_at = signal.at
        if dismissal and signal.at <= dismissal.heard_until:
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


def _belongs(signal: Signal, dismissal: Dismissal) -> bool:
    return (signal.session, signal.notebook) == (dismissal.session, dismissal.notebook)


def _ask(state: HelpState, signal: Signal, silence: Silence) -> None:
    asking = state.asking
    if asking and signal.at - asking.last <= (silence.resent if asking.resent else silence.single):
        asking.resent = asking.resent or signal.at > asking.last
        asking.last = signal.at
        asking.session, asking.notebook = signal.session, signal.notebook
        asking.cell = signal.cell or asking.cell
    else:
        state.asking = Asking(signal.at, signal.at, signal.session, signal.notebook, signal.cell)
