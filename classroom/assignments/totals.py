"""The state of a cell of the gradebook, and the rule of a student's total. No queries.

The total is the weighted mean of a student's shares, in percent: the sum of weight × grade ÷ points, over the sum of
the weights. What counts:

- a grade counts, late or not: a deduction for lateness is the grader's decision;
- what is missing after the student's own due date counts as zero;
- what is not graded yet, not due yet, or without a due date and not handed in is left out, and so is what has no points
  or the weight 0, what was returned without a grade, and what somebody who has left the class did not hand in.

A grade above the points counts as it is. Without anything that counts there is no total.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["graded", "ungraded", "returned", "missing", "open", "none"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One student's mark in one assignment. `points` are those of the assignment."""

    state: State
    grade: float | None
    points: float | None
    weight: float

    @property
    def share(self) -> float | None:
        """Return the share of the points that counts, 1 for all of them; None if the mark does not count."""
        if not self.points or self.points < 0 or self.weight <= 0:
            return None
        if self.state == "missing":
            return 0.0
        return None if self.grade is None else self.grade / self.points


@dataclass(frozen=True, slots=True)
class Total:
    percent: float | None
    counted: int  # how many marks count


def total_of(marks: Iterable[Mark]) -> Total:
    counted = [(mark.weight, mark.share) for mark in marks if mark.share is not None]
    weights = sum(weight for weight, _ in counted)
    if not counted or weights <= 0:
        return Total(None, 0)
    return Total(100 * sum(weight * share for weight, share in counted) / weights, len(counted))


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
