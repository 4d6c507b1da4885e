"""What the door answers, from whichever side."""

from dataclasses import dataclass
from typing import TypedDict

Number = int | float


class Activity(TypedDict):
    """What happened in one bucket of time. Requests for help, not their re-sends."""

    time: str
    executionCount: int
    errorCount: int
    helpCount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """What was done in a span of time. Runs that never really ran (status `aborted`) count nowhere."""

    runs: int
    errors: int
    seconds: float | None  # mean length of a run; None where none was told
    active: int  # students who ran something

    @property
    def error_rate(self) -> float:
        return self.errors / self.runs if self.runs else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What one student did in a span of time."""

    runs: int
    errors: int
    minutes: int  # minutes of the clock in which something ran
