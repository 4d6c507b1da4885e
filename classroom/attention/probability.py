"""The probability that a student is stuck now: a logistic model of a dozen named terms. Pure functions.

Every term is written so that more of it means *more likely stuck*; no weight is negative. The weights are fitted by
`benchmarks/fit_attention.py` on simulated lessons (docs/attention.md) and lie in `weights.py`.
"""

from collections.abc import Mapping
from math import exp, log, log1p, tanh

from classroom.attention.evidence import Evidence
from classroom.attention.weights import INTERCEPT, WEIGHTS

MANY_CLASS_RUNS = 40.0  # who is longer at a cell is no more likely stuck
LEFT_AFTER = 4.0  # minutes without a run after a success: the longer, the more likely somebody who has left, or rests


def terms_of(found: Evidence) -> dict[str, float]:
    """Return the terms by name, without weights."""
    worked = 0.0 if found.last_failed else 1.0
    works_for_others = min(1.0, found.class_solved_share)
    return {
        # Runs since a new cell worked; in a cell of one's own they say half as much as at one that classmates are at.
        "tries": log1p(found.tries) * (0.5 + min(0.5, found.shared)),
        "same_code": log1p(found.unchanged) * works_for_others,
        "same_error": log1p(max(0, found.same_error)),
        "failing_cell": log1p(found.cell_failures) * works_for_others,
        # The class is quiet while the teacher speaks: only its runs make it long. Silence counts in it.
        "at_cell": log1p(min(MANY_CLASS_RUNS, found.at_cell)),
        "going_back": log1p(found.went_back),
        # What worked before is run again, and nothing new.
        "reruns": log1p(max(0, found.again)) * worked,
        # It works, but not as the class's; while the class went on.
        "other_output": log1p(found.other_output) * log1p(found.stalled),
        # One "run all" that stops leaves many aborted runs: they count once.
        "restarts": log1p(found.restarts + (found.aborted > 0)),
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
