"""Results of time series queries."""

from dataclasses import dataclass
from typing import TypedDict

Number = int | float


class Activity(TypedDict):
    """The activity in one time bucket. Help requests are counted without re-sends."""

    time: str
    executionCount: int
    errorCount: int
    helpCount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """The totals of a period, without aborted runs."""

    runs: int
    errors: int
    seconds: float | None  # mean duration of a run; None if unknown
    active: int  # students who ran something

    @property
    def error_rate(self) -> float:
        return self.errors / self.runs if self.runs else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StudentTotals:
    """The totals of one student in a period."""

    runs: int
    errors: int
    minutes: int  # minutes of the clock in which something ran
