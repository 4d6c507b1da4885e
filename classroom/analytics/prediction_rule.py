"""Will a student finish an assignment in time? A small logistic model of what they have done so far; pure.

docs/analytics.md tells what it means, how it was fitted and how well its probabilities hold. Four numbers go in, all
known for everybody who has begun: how far the pace so far would carry them, how much is done, how long they have been
quiet compared with the time that is left, and what share of the cells they tried fails now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log

LEAST_RUNS = 4  # fewer say nothing
AT_RISK = 0.5
NO_DUE_DATE = timedelta(days=7)  # the time that is "left" where nothing is due
LONGEST_ESTIMATE = timedelta(days=60)  # later is not foreseen
ENOUGH_RUNS = 12  # with so many, confidence is half of what it can become
UNDATED = 0.5  # what is left of confidence where nothing is due

# Fitted by `python -m benchmarks prediction --fit` on seeds 1 to 12; never by hand.
INTERCEPT = -0.74
WEIGHTS = (0.77, 0.84, -0.05, -0.85)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is known of one student and one assignment that is not handed in."""

    cells: int  # code cells of the notebook
    done: int  # whose last run worked
    failing: int  # whose last run failed
    runs: int
    errors: int
    first: datetime | None
    last: datetime | None
    due: datetime | None
    now: datetime

    @property
    def remaining(self) -> int:
        return max(0, self.cells - self.done)

    @property
    def left(self) -> timedelta:
        """Until the due date; seven days where there is none."""
        return self.due - self.now if self.due else NO_DUE_DATE

    @property
    def pace(self) -> float:
        """Cells an hour since the first run. One half is added, so that who has only failed is slow, not stopped."""
        return (self.done + 0.5) / max(1.0, _hours(self.now - self.first)) if self.first else 0.0

    @property
    def is_enough(self) -> bool:
        return self.runs >= LEAST_RUNS and self.cells > 0 and self.first is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    probability: float
    estimated_at: datetime | None
    confidence: float

    @property
    def is_at_risk(self) -> bool:
        return self.probability < AT_RISK


def predict(evidence: Evidence) -> Prediction | None:
    """None where there is too little to say."""
    if not evidence.is_enough:
        return None
    return Prediction(
        probability=round(probability(features(evidence)), 3),
        estimated_at=estimate(evidence),
        confidence=round(confidence(evidence), 2),
    )


def features(evidence: Evidence) -> tuple[float, float, float, float]:
    left = max(0.0, _hours(evidence.left))
    quiet = _hours(evidence.now - evidence.last) if evidence.last else 0.0
    carried = log((evidence.pace * left + 0.5) / (evidence.remaining + 0.5))
    tried = evidence.done + evidence.failing
    return (
        max(-4.0, min(4.0, carried)),
        evidence.done / evidence.cells,
        quiet / (quiet + left + 1.0),
        evidence.failing / tried if tried else 0.0,
    )


def probability(
    values: tuple[float, ...], *, intercept: float = INTERCEPT, weights: tuple[float, ...] = WEIGHTS
) -> float:
    return 1 / (1 + exp(-intercept - sum(weight * value for weight, value in zip(weights, values, strict=True))))


def estimate(evidence: Evidence) -> datetime | None:
    """When the pace so far would have them done; None where that is more than sixty days away."""
    if not evidence.pace:
        return None
    hours = evidence.remaining / evidence.pace
    return evidence.now + timedelta(hours=hours) if hours <= _hours(LONGEST_ESTIMATE) else None


def confidence(evidence: Evidence) -> float:
    """0 to 1: how much there is to go by. It grows with the runs, and is halved where nothing is due."""
    known = evidence.runs / (evidence.runs + ENOUGH_RUNS)
    return known if evidence.due else known * UNDATED


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600
