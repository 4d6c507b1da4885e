"""What the assessment reads, a lesson as observed and what people did about it, and what it returns: alerts.

Plain values, no rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from classroom.attention.evidence import Evidence
from classroom.attention.history import ClassWork, Work

Code = Literal[
    "help", "repeated_error", "error_streak", "silent", "behind",
    "no_progress", "same_code", "wandering", "other_output", "restarts",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class StudentSignals:
    """One student in the lesson, with the score of this moment."""

    student_id: int
    name: str
    email: str
    last_run_at: datetime
    work: Work
    evidence: Evidence
    probability: float
    position: int | None = None  # of the last run, in the notebook of the class; from 0
    resolved_at: datetime | None = None  # errors up to then were resolved by an instructor


@dataclass(frozen=True, slots=True)
class Lesson:
    """The students of a classroom at one moment."""

    students: tuple[StudentSignals, ...] = ()
    notebook: str = ""  # its path; the one that most are in
    class_cell: int | None = None  # the median of the furthest cells there
    class_: ClassWork = field(default_factory=lambda: ClassWork(0.0, 1, [], [], {}, 0))


@dataclass(frozen=True, slots=True)
class Feedback:
    """The latest answer of an instructor to an alert about a student."""

    at: datetime
    was_needed: bool  # False only if the alert was dismissed as not needed


@dataclass(frozen=True, slots=True)
class PriorState:
    """What people did before this assessment: open help requests, alerts on the screen, instructors' answers.

    By student id.
    """

    asking: Mapping[int, datetime] = field(default_factory=dict)
    shown: Mapping[int, Literal["firm", "weak"]] = field(default_factory=dict)
    feedback: Mapping[int, Feedback] = field(default_factory=dict)
    fine: Mapping[int, datetime] = field(default_factory=dict)  # when students said lately that they are fine
    raised: float = 0.0  # log-odds: the class's switch, and what its answers make of it


@dataclass(frozen=True, slots=True)
class Reason:
    """One piece of evidence, with the numbers that its sentence says."""

    term: str  # of `probability.terms_of`
    count: int = 0
    minutes: int = 0

    @property
    def data(self) -> dict[str, Any]:
        return {"term": self.term, "count": self.count, "minutes": self.minutes}


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
    probability: float | None = None  # None: who asks, and alerts of before there was one
    is_firm: bool = True
    reasons: tuple[Reason, ...] = ()  # the strongest first
    said_fine_at: datetime | None = None

    @property
    def evidence(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "cell": self.cell,
            "count": self.count,
            "error": self.error,
            "class_cell": self.class_cell,
            "minutes": self.minutes,
            "probability": None if self.probability is None else round(self.probability, 3),
            "firm": self.is_firm,
            "reasons": [reason.data for reason in self.reasons],
            **({"said_fine": self.said_fine_at.isoformat()} if self.said_fine_at else {}),
        }
