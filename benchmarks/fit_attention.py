"""Fit the weights of `classroom/attention/probability.py` on simulated lessons: `make fit`.

    python -m benchmarks.fit_attention           # writes classroom/attention/weights.py
    python -m benchmarks.fit_attention --worlds  # and, for the report, weights and bound without each world in turn

Logistic regression with a small ridge in which no weight may be negative: a term that would have to be turned round to
fit is a term that another world contradicts. It needs requirements-fit.txt, which the product does not.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.lessons import STYLES
from benchmarks.lessons.budgets import BUDGETS, Budgets
from benchmarks.lessons.looks import looks_at
from benchmarks.lessons.worlds import FITTING, REPORT, ROTATED, WORLDS, make
from classroom.attention.evidence import Evidence
from classroom.attention.probability import terms_of

EVERY = 60.0  # seconds between two looks
RIDGE = 30.0
HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "classroom" / "attention" / "weights.py"
MEASURES = [field.name for field in fields(Evidence) if field.name not in ("cell", "error_name", "since")]


def samples(world: str, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return terms, measures and truth of all looks at a world, a row each."""
    terms, measures, truth = [], [], []
    for style in STYLES:
        for seed in seeds:
            for _, _, looks in looks_at(make(world, style, seed), every=EVERY):
                for look in looks:
                    terms.append(list(terms_of(look.evidence).values()))
                    measures.append([float(getattr(look.evidence, name)) for name in MEASURES])
                    truth.append(look.stuck is not None)
    return np.array(terms), np.array(measures), np.array(truth, float)


def fit(terms: np.ndarray, truth: np.ndarray, share: np.ndarray) -> tuple[float, list[float]]:
    """Return intercept and weights. `share` is what each row counts: all worlds the same in all."""
    scale = terms.std(axis=0) + 1e-9
    rows = np.c_[np.ones(len(terms)), terms / scale]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = rows @ weights
        ridge = RIDGE * np.r_[0.0, weights[1:]]
        value = (share * (np.logaddexp(0, odds) - truth * odds)).sum() + (ridge * weights).sum() / 2
        slope = rows.T @ (share * (1 / (1 + np.exp(-odds)) - truth)) + ridge
        return float(value), slope

    start = np.r_[-3.0, np.full(terms.shape[1], 0.1)]
    bounds = [(None, None), *[(0.0, None)] * terms.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}).x
    return float(found[0]), [float(weight) for weight in found[1:] / scale]


def fit_worlds(data: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]) -> dict[str, object]:
    terms = np.vstack([one[0] for one in data.values()])
    truth = np.concatenate([one[2] for one in data.values()])
    share = np.concatenate([np.full(len(one[2]), 100_000 / len(one[2])) for one in data.values()])
    intercept, weights = fit(terms, truth, share)
    names = list(terms_of(Evidence()))
    return {"intercept": round(intercept, 3), "weights": {n: round(w, 3) for n, w in zip(names, weights, strict=True)}}


def bound_of(world: str, measures: np.ndarray, truth: np.ndarray) -> dict[str, dict[str, float]]:
    """Return what there is to be had, by style and in all: boosted trees of all measures, fitted on the truth of the
    very world, as shares of the oracle on the seeds of the report."""
    trees = HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.06, max_leaf_nodes=16, min_samples_leaf=100, random_state=1
    ).fit(measures, truth)
    found = {"all": Budgets()}
    for style in STYLES:
        found[style] = Budgets()
        for seed in REPORT:
            moments = [looks for _, _, looks in looks_at(make(world, style, seed), every=EVERY)]
            rows = [[float(getattr(look.evidence, n)) for n in MEASURES] for looks in moments for look in looks]
            scores = iter(trees.predict_proba(np.array(rows))[:, 1])
            for looks in moments:
                likely = {look.student: next(scores) for look in looks}
                ranked = sorted(likely, key=lambda student: -likely[student])
                found[style].add(ranked, {look.student for look in looks if look.stuck})
        found["all"] += found[style]
    return {name: {str(k): round(one.share(k), 4) for k in BUDGETS} for name, one in found.items()}


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", action="store_true")
    given = parser.parse_args()
    data = {world: samples(world, FITTING) for world in WORLDS}
    found = fit_worlds(data)
    lines = "".join(f'    "{name}": {weight},\n' for name, weight in found["weights"].items())  # type: ignore[attr-defined]
    WEIGHTS.write_text(
        '"""Weights of `probability.py`. Written by `make fit` (benchmarks/fit_attention.py); do not edit."""\n\n'
        f"INTERCEPT = {found['intercept']}\nWEIGHTS: dict[str, float] = {{\n{lines}}}\n"
    )
    print(WEIGHTS.read_text())
    if given.worlds:
        rotated = {}
        for world in WORLDS:
            others = {other: one for other, one in data.items() if other != world}
            rotated[world] = fit_worlds(others) | {"bound": bound_of(world, *data[world][1:])}
        ROTATED.write_text(json.dumps(rotated, indent=1) + "\n")


if __name__ == "__main__":
    main()
