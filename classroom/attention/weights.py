"""Weights of `model.py`. Written by `make fit` (benchmarks/fit_attention.py); do not edit."""

INTERCEPT = -5.574
WEIGHTS: dict[str, float] = {
    "tries": 0.581,
    "same_code": 0.551,
    "same_error": 0.18,
    "open_cells": 0.098,
    "hard_cell": 1.181,
    "silent_after_error": 0.346,
    "wandering": 0.193,
    "reruns": 0.643,
    "other_output": 0.671,
    "restarts": 0.336,
    "few_cells": 1.501,
    "failed_last": 0.8,
    "still_here": 0.473,
}
