"""The probability that a student is stuck now: a logistic model of a dozen named terms. Pure functions.

Every term is written so that more of it means *more likely stuck*; no weight is negative. The weights are fitted by
`benchmarks/fit_attention.py` on simulated lessons (docs/attention.md) and lie in `weights.py`.
"""

from collections.abc import Mapping
from math import exp, log, log1p, tanh

from classroom.attention.evidence import Evidence
from classroom.attention.weights import INTERCEPT, WEIGHTS

FEW_CLASS_RUNS = 20.0  # a longer silence says no more
LEFT_AFTER = 4.0  # minutes without a run after a success: the longer, the more likely somebody who has left, or rests


def terms_of(found: Evidence) -> dict[str, float]:
    """Return the terms by name, without weights."""
    worked = 0.0 if found.last_failed else 1.0
    behind = found.behind / (abs(found.behind) + found.solved + 3)
    shared = min(1.0, 2 * found.shared)
    passed = log1p(min(40.0, found.stalled_runs))
    return {
        # Runs since a new cell worked; at a cell that classmates are at too, not in one of their own.
        "tries": log1p(found.tries) * shared,
        # The same code again, at a cell that works for classmates.
        "same_code": log1p(found.unchanged) * min(1.0, found.class_solved_share),
        "same_error": log1p(max(0, found.same_error)),
        "open_cells": float(min(3, found.open_cells)),
        # Classmates had failures here too, but have got on.
        "hard_cell": max(0.0, behind) * log1p(found.class_failures),
        # The class is quiet while the teacher speaks: only its runs make a silence long.
        "silent_after_error": log1p(min(FEW_CLASS_RUNS, found.silence)) * (1 - worked),
        # Runs here and there, while the class went on.
        "wandering": passed * log1p(found.recent_cells),
        # What worked before is run again, and nothing new.
        "reruns": log1p(max(0, found.again)) * worked,
        # It works, but not as the class's; while the class went on.
        "other_output": log1p(found.other_output) * log1p(found.stalled),
        "restarts": log1p(found.restarts + found.aborted),
        "few_cells": 1 / (1 + 0.3 * found.solved),
        "failed_last": 1 - worked * tanh(log1p(found.recent_cells)),
        "still_here": 1 - worked * min(1.0, max(0.0, log((1 + found.silent_minutes) / (1 + LEFT_AFTER)))),
    }


def contributions(terms: Mapping[str, float]) -> dict[str, float]:
    """Return what each term adds to the log-odds."""
    return {name: WEIGHTS[name] * value for name, value in terms.items()}


def probability(terms: Mapping[str, float]) -> float:
    """Return the probability that the student is stuck."""
    log_odds = INTERCEPT + sum(WEIGHTS[name] * value for name, value in terms.items())
    return 1 / (1 + exp(-log_odds))
