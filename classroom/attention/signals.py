"""What the rule looks at and what it answers. Cells stand by their position in the notebook, from 0; plain values."""

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
    lead: int = 0  # cells ahead of the class when they ran something last; known of those who are quiet
    tail: tuple[Run, ...] = ()  # the latest runs, newest first; only of those who may be in trouble
    resolved_at: datetime | None = None  # errors up to then were answered


@dataclass(frozen=True, slots=True)
class CellStanding:
    """How the class does with one cell."""

    tried: int
    struggled: int  # who failed at it three times or more, whether or not they got through

    @property
    def share(self) -> float:
        return self.struggled / self.tried if self.tried else 0.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """A room as the detector sees it at one moment."""

    students: tuple[Signals, ...] = ()
    notebook: str = ""
    cells: Mapping[int, CellStanding] = field(default_factory=dict)  # by row id
    class_cell: int | None = None  # the median of the furthest cells
    going: frozenset[int] = frozenset()  # minutes (since the epoch) in which the class worked


@dataclass(frozen=True, slots=True)
class Feedback:
    """What an instructor last made of a concern about a student."""

    at: datetime
    code: Code
    was_needed: bool  # they helped; else they found that nobody was needed, or nobody there
    cell: int | None = None  # position
    gap: int = 0  # how many cells behind the class the student was


@dataclass(frozen=True, slots=True)
class Known:
    """What people have said: students who ask, concerns that are on the screen, answers of instructors."""

    asking: Mapping[int, datetime] = field(default_factory=dict)
    shown: frozenset[int] = frozenset()
    answers: Mapping[int, Feedback] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """Why a student may need somebody. `since` is when it began, by the times of the runs."""

    student_id: int
    code: Code
    since: datetime
    cell: int | None = None  # position
    count: int = 0
    error: str = ""
    class_cell: int | None = None
    minutes: int = 0  # the length that the reason speaks of

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
