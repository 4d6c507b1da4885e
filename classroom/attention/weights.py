"""Weights of `probability.py`. Written by `make fit` (benchmarks/fit_attention.py); do not edit."""

INTERCEPT = -7.432
WEIGHTS: dict[str, float] = {
    "tries": 0.46,
    "same_code": 0.311,
    "same_error": 0.146,
    "failing_cell": 0.553,
    "at_cell": 0.407,
    "going_back": 1.458,
    "reruns": 0.552,
    "other_output": 0.796,
    "restarts": 0.926,
    "few_cells": 1.665,
    "failed_last": 1.121,
    "still_here": 1.672,
}
