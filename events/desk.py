"""Events about instructors: who sent them is checked and what they ask for is done by the floor above.

`instructors` hands its desk in when the applications start (`instructors/apps.py`); this floor must not know it.
Source: docs/contract/events.md section 3.4.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from events.schema import Event

Tell = Callable[[], None]


class Desk(Protocol):
    def knows(self, token: str) -> bool:
        """Whether this Bearer token is an active instructor's. Causes SQL queries."""

    def perform(self, event_type: str, fields: dict[str, Any], *, now: datetime) -> Tell | None:
        """Do what the event asks, inside the caller's transaction; what is returned tells about it after the commit."""


_desks: list[Desk] = []


def open_desk(desk: Desk) -> None:
    _desks[:] = [desk]


def knows(token: str) -> bool:
    return any(desk.knows(token) for desk in _desks)


def perform(event: Event, *, now: datetime) -> Tell | None:
    """None where nobody is there to do it, or nothing had to be done."""
    fields = {**((event.data or {}).get("metadata") or {}), **(event.data or {})}
    for desk in _desks:
        return desk.perform(event.event_type, fields, now=now)
    return None
