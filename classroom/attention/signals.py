"""Input and output of the rule. Cells are given by their position in the notebook, from 0; plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Code = Literal["help", "repeated_error", "error_streak", "silent", "behind"]


@dataclass(frozen=True, slots=True)
class Run:
    at: datetime
    cell: int  # row id
    position: int | None
    failed: bool
    error: str = ""  # its signature: the same mistake has the same one
    error_name: str = ""  # "NameError"


@dataclass(frozen=True, slots=True)
class Signals:
    """One student in the lesson."""

    student_id: int
    name: str
    email: str
    last_run_at: datetime
    cells_run: int = 0  # different cells in the notebook of the class, during this lesson
    furthest: int | None = None  # position in the notebook of the class
    lead: int = 0  # cells ahead of the class at the last run; only for silent students
    tail: tuple[Run, ...] = ()  # the latest runs, newest first; only for students who may be in trouble
    resolved_at: datetime | None = None  # errors up to then were resolved by an instructor


@dataclass(frozen=True, slots=True)
class CellStats:
    """The class at one cell."""

    tried: int
    struggled: int  # students who failed at it three times or more, whether or not they succeeded

    @property
    def share(self) -> float:
        return self.struggled / self.tried if self.tried else 0.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """The students of a classroom at one moment."""

    students: tuple[Signals, ...] = ()
    notebook: str = ""
    cells: Mapping[int, CellStats] = field(default_factory=dict)  # by row id
    class_cell: int | None = None  # the median of the furthest cells
    active_minutes: frozenset[int] = frozenset()  # minutes (since the epoch) in which the class worked


@dataclass(frozen=True, slots=True)
class Feedback:
    """The latest feedback of an instructor on an alert about a student."""

    at: datetime
    code: Code
    was_needed: bool  # False only if the alert was dismissed as not needed
    cell: int | None = None  # position
    gap: int = 0  # how many cells behind the class the student was


@dataclass(frozen=True, slots=True)
class Known:
    """What people did: open help requests, alerts that are shown, feedback of instructors; by student id."""

    asking: Mapping[int, datetime] = field(default_factory=dict)
    shown: frozenset[int] = frozenset()
    feedback: Mapping[int, Feedback] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """Why a student may need help. `since` is when it began, by the times of the runs."""

    student_id: int
    code: Code
    since: datetime
    cell: int | None = None  # position
    count: int = 0
    error: str = ""
    class_cell: int | None = None
    minutes: int = 0  # the duration in the reason text

    @property
    def evidence(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "cell": self.cell,
            "count": self.count,
            "error": self.error,
            "class_cell": self.class_cell,
            "minutes": self.minutes,
        }
