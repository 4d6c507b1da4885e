"""Count the connections to the live channels."""

from dataclasses import dataclass, field

from realtime import presence


@dataclass(frozen=True, kw_only=True)
class Connections:
    total: int = 0
    by_type: dict[str, int] = field(default_factory=dict)
    rooms: dict[str, int] = field(default_factory=dict)
    dashboards: list[str] = field(default_factory=list)  # connection ids
    instructors: dict[int, int] = field(default_factory=dict)  # account → sockets


def connections() -> Connections:
    """Return the connections of all web processes. Two round trips to Redis."""
    now = presence.details()
    return Connections(
        total=now.total,
        by_type={kind: now.by_type.get(kind, 0) for kind in ("student", "instructor", "dashboard", "admin")},
        rooms=now.rooms,
        dashboards=now.dashboards,
        instructors=now.instructors,
    )
