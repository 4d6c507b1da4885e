"""Weights of `model.py`. Written by `make fit` (benchmarks/fit_attention.py); do not edit."""

INTERCEPT = -5.576
WEIGHTS: dict[str, float] = {
    "tries": 0.583,
    "same_code": 0.538,
    "same_error": 0.183,
    "open_cells": 0.097,
    "hard_cell": 1.182,
    "silent_after_error": 0.343,
    "wandering": 0.194,
    "reruns": 0.642,
    "other_output": 0.67,
    "restarts": 0.336,
    "few_cells": 1.499,
    "failed_last": 0.803,
    "still_here": 0.475,
}
