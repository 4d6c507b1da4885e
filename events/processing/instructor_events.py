"""Events about instructors: who sent them is checked and what they ask for is done by the floor above.

`instructors` hands its desk in when the applications start (`instructors/apps.py`); this floor must not know it.
Source: docs/contract/events.md section 3.4.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from events.contract.schema import Event

Tell = Callable[[], None]


class Desk(Protocol):
    def who(self, token: str) -> Any:
        """The active instructor of this Bearer token; None where it opens nothing. Causes SQL queries."""

    def allows(self, caller: Any, event_type: str, fields: dict[str, Any]) -> bool:
        """Whether that instructor may have done what the event asks. Causes SQL queries."""

    def perform(self, event_type: str, fields: dict[str, Any], *, now: datetime) -> Tell | None:
        """Do what the event asks, inside the caller's transaction; what is returned tells about it after the commit."""


_desks: list[Desk] = []


def open_desk(desk: Desk) -> None:
    _desks[:] = [desk]


def who(token: str) -> Any:
    return next((found for desk in _desks if (found := desk.who(token)) is not None), None)


def allows(caller: Any, event: Event) -> bool:
    """Whether the event counts as the instructor's who sent it: what they may not do over HTTP, no event does."""
    return any(desk.allows(caller, event.event_type, _fields(event)) for desk in _desks)


def perform(event: Event, *, now: datetime) -> Tell | None:
    """None where nobody is there to do it, or nothing had to be done."""
    for desk in _desks:
        return desk.perform(event.event_type, _fields(event), now=now)
    return None


def _fields(event: Event) -> dict[str, Any]:
    return {**((event.data or {}).get("metadata") or {}), **(event.data or {})}
