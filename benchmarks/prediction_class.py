"""Simulated homework with a known end: who finishes in time, drawn without any knowledge of the model.

A week to finish a notebook. Everybody has a speed, times of day at which they work, a trouble rate and a will, and
things happen: some begin late and hurry, some lose heart at the cell they cannot do, some are away for days, a few give
up for no reason that shows. Nothing here reads a feature, weight or threshold of `classroom.analytics.prediction_rule`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Literal

DAYS = 7.0
SNAPSHOTS = (1.5, 3.0, 4.5, 6.0)  # days after it was set

Kind = Literal["early", "even", "late", "struggling", "fading", "away"]


@dataclass(frozen=True, slots=True)
class Run:
    at: float  # days since it was set
    cell: int
    worked: bool


@dataclass(slots=True)
class Pupil:
    number: int
    kind: Kind
    runs: list[Run] = field(default_factory=list)
    finished_at: float | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One class with one notebook."""

    cells: int
    pupils: list[Pupil]


def make_work(*, seed: int, count: int) -> Work:
    """Classes differ: in the length of the notebook, its difficulty, and how much they care."""
    rng = Random(seed)
    cells = rng.randrange(12, 31)
    difficulties = [rng.betavariate(1.4, 3.5) for _ in range(cells)]
    care = rng.uniform(0.55, 1.0)
    kinds: dict[Kind, float] = {
        "early": 0.22 * care, "even": 0.3 * care, "late": 0.2, "struggling": 0.13, "fading": 0.14 / care, "away": 0.07,
    }  # fmt: skip
    drawn = rng.choices(list(kinds), weights=list(kinds.values()), k=count)
    return Work(
        cells, [_live(Random(rng.random()), Pupil(number, kind), difficulties) for number, kind in enumerate(drawn)]
    )


def _live(rng: Random, pupil: Pupil, difficulties: list[float]) -> Pupil:
    skill = rng.betavariate(2, 3 if pupil.kind == "struggling" else 1.6)
    minutes = rng.lognormvariate(1.2, 0.45) * (1.6 - skill)  # a cell, without trouble
    cell, tries = 0, 0
    for start, length in _sittings(rng, pupil.kind):
        now, end = start, start + length
        heart = rng.uniform(0.6, 1.4) * (0.7 if pupil.kind == "struggling" else 1.0)
        while now < end and cell < len(difficulties):
            now += rng.lognormvariate(0, 0.5) * minutes / 1440
            failed = rng.random() < difficulties[cell] * (1.25 - skill) * (0.85**tries)
            pupil.runs.append(Run(now, cell, not failed))
            if not failed:
                cell, tries = cell + 1, 0
                continue
            tries += 1
            if tries > 5 and rng.random() < 0.12 / heart:
                break  # enough for today
        if cell == len(difficulties):
            pupil.finished_at = now
            break
        if tries > 7 and rng.random() < 0.3 / heart:
            break  # enough for good
    return pupil


def _sittings(rng: Random, kind: Kind) -> Iterator[tuple[float, float]]:
    """When they sit down and for how long, in days. The week goes on after the due date for who is late."""
    chances = {
        "early": [0.9, 0.8, 0.6, 0.5, 0.5, 0.5, 0.5, 0.3],
        "even": [0.5, 0.5, 0.5, 0.5, 0.5, 0.55, 0.6, 0.3],
        "late": [0.12, 0.1, 0.15, 0.2, 0.35, 0.6, 0.9, 0.5],
        "struggling": [0.5, 0.5, 0.45, 0.4, 0.45, 0.5, 0.6, 0.3],
        "fading": [0.7, 0.5, 0.3, 0.15, 0.08, 0.06, 0.06, 0.02],
        "away": [0.6, 0.5, 0.4, 0.3, 0.3, 0.4, 0.5, 0.3],
    }[kind]
    gone = range(0)
    if kind == "away":
        first = rng.randrange(1, 4)
        gone = range(first, first + rng.randrange(2, 5))
    for day, chance in enumerate(chances):
        if day in gone:
            continue
        hurry = 1.6 if kind == "late" and day >= 5 else 1.0
        for hour in (0.1, 0.35, 0.55):
            if rng.random() < chance / 2.2:
                yield day + hour + rng.uniform(-0.05, 0.05), hurry * rng.lognormvariate(-0.6, 0.5) / 24


def finishes(pupil: Pupil) -> bool:
    return pupil.finished_at is not None and pupil.finished_at <= DAYS


def runs_until(work: Work, day: float) -> Iterator[tuple[Pupil, Run]]:
    for pupil in work.pupils:
        for run in pupil.runs:
            if run.at <= day:
                yield pupil, run


def moment(start: datetime, day: float) -> datetime:
    return start + timedelta(days=day)
