"""Who is connected to the live channels."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Connections:
    total: int = 0
    by_type: dict[str, int] = field(default_factory=dict)
    rooms: dict[str, int] = field(default_factory=dict)
    dashboards: list[str] = field(default_factory=list)  # connection ids
    instructors: dict[int, int] = field(default_factory=dict)  # account → sockets


def connections() -> Connections:
    """Nobody counts sockets yet; `realtime.presence` will."""
    return Connections(by_type=dict.fromkeys(("student", "instructor", "dashboard", "admin"), 0))
