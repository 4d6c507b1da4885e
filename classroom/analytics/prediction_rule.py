"""Predict whether a student will finish an assignment in time, by a small logistic model. Pure functions.

docs/analytics.md describes what it means, how it was fitted and how well it is calibrated. It has four features, known
for every student with a run: the progress expected at the pace so far, the share of cells done, the time without
activity relative to the time left, and the share of tried cells that fail now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log

MIN_RUNS = 4  # with fewer there is no prediction
AT_RISK = 0.5
NO_DUE_DATE = timedelta(days=7)  # the time left without a due date
MAX_ESTIMATE = timedelta(days=60)  # later completion times are not estimated
HALF_CONFIDENCE_RUNS = 12  # with so many runs, confidence is half of its maximum
UNDATED = 0.5  # factor on confidence without a due date

# Fitted by `python -m benchmarks prediction --fit` on seeds 1 to 12; never by hand.
INTERCEPT = -0.74
WEIGHTS = (0.77, 0.84, -0.05, -0.85)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """The data of one student and one assignment that is not submitted."""

    cells: int  # code cells of the notebook
    done: int  # whose last run succeeded
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
        """Return the time until the due date; seven days without one."""
        return self.due - self.now if self.due else NO_DUE_DATE

    @property
    def pace(self) -> float:
        """Return the cells done per hour since the first run, plus one half so that it is above 0 without a success."""
        return (self.done + 0.5) / max(1.0, _hours(self.now - self.first)) if self.first else 0.0

    @property
    def is_enough(self) -> bool:
        return self.runs >= MIN_RUNS and self.cells > 0 and self.first is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    probability: float
    estimated_at: datetime | None
    confidence: float

    @property
    def is_at_risk(self) -> bool:
        return self.probability < AT_RISK


def predict(evidence: Evidence) -> Prediction | None:
    """Return the prediction; None if there is too little data."""
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
    log_ratio = log((evidence.pace * left + 0.5) / (evidence.remaining + 0.5))
    tried = evidence.done + evidence.failing
    return (
        max(-4.0, min(4.0, log_ratio)),
        evidence.done / evidence.cells,
        quiet / (quiet + left + 1.0),
        evidence.failing / tried if tried else 0.0,
    )


def probability(values: tuple[float, ...]) -> float:
    """Return the probability, 0 to 1, by the weights of the logistic regression."""
    return 1 / (1 + exp(-INTERCEPT - sum(weight * value for weight, value in zip(WEIGHTS, values, strict=True))))


def estimate(evidence: Evidence) -> datetime | None:
    """Return the completion time at the pace so far; None if it is more than MAX_ESTIMATE away."""
    if not evidence.pace:
        return None
    hours = evidence.remaining / evidence.pace
    return evidence.now + timedelta(hours=hours) if hours <= _hours(MAX_ESTIMATE) else None


def confidence(evidence: Evidence) -> float:
    """Return the confidence, 0 to 1: it grows with the runs, and is halved without a due date."""
    known = evidence.runs / (evidence.runs + HALF_CONFIDENCE_RUNS)
    return known if evidence.due else known * UNDATED


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600
