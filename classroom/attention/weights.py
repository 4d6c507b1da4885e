"""Weights of `model.py`. Written by `make fit` (benchmarks/fit_attention.py); do not edit."""

INTERCEPT = -5.575
WEIGHTS: dict[str, float] = {
    "tries": 0.582,
    "same_code": 0.549,
    "same_error": 0.18,
    "open_cells": 0.097,
    "hard_cell": 1.183,
    "silent_after_error": 0.344,
    "wandering": 0.193,
    "reruns": 0.643,
    "other_output": 0.671,
    "restarts": 0.336,
    "few_cells": 1.499,
    "failed_last": 0.802,
    "still_here": 0.475,
}
