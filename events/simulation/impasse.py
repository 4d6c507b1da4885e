"""Planning an impasse from its first error to its end: the actions of a student of a given archetype, with times."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from events.simulation.students import Archetype, SimulatedStudent

HELP_INTERVAL = 10.0  # seconds between two signals while the extension's help button is on, whatever the pace
NO_STOP_PROBABILITY = 0.05  # closed the browser instead of switching the button off

# The same error again; another mistake; an earlier cell that works; the two signals of the help button.
Act = Literal["again", "other", "leaf", "help", "help_stop"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Impasse:
    seconds: float  # from the first error to the run that works
    acts: list[tuple[float, Act]]  # (seconds since the first error, what), in order, all before `seconds`
    asks: bool


def plan(*, student: SimulatedStudent, rng: Random, pace: float) -> Impasse:
    """Return a plan that lasts 3 to 15 minutes of a real lesson, shorter for skilled students."""
    natural = min(max(rng.lognormvariate(5.9, 0.4) * (1.4 - student.skill), 180.0), 900.0)
    asks = rng.random() < student.asks
    acts = [(moment / pace, act) for moment, act in _tries(student=student, rng=rng, natural=natural)]
    if asks:
        acts += _ask_for_help(student=student, rng=rng, natural=natural, pace=pace)
    return Impasse(seconds=natural / pace, acts=sorted(acts), asks=asks)


def _tries(*, student: SimulatedStudent, rng: Random, natural: float) -> list[tuple[float, Act]]:
    """Return the runs with times in seconds of a real lesson. The mean interval depends on the archetype."""
    if student.archetype is Archetype.REPEATER:
        return _every(22, "again", "again", natural=natural, rng=rng)
    if student.archetype is Archetype.ASKER:
        return _every(75, "again", "other", natural=natural, rng=rng)
    if student.archetype is Archetype.STEADY:
        return _every(45, "again", "other", natural=natural, rng=rng)
    tries = _every(25, "again", "again", natural=min(natural, 60.0), rng=rng)
    if rng.random() < 0.5:  # half of them run earlier cells; the other half does nothing
        tries += [(60.0 + moment, act) for moment, act in _every(80, "leaf", "leaf", natural=natural - 60.0, rng=rng)]
    return tries


def _every(mean: float, one: Act, other: Act, *, natural: float, rng: Random) -> list[tuple[float, Act]]:
    found: list[tuple[float, Act]] = []
    moment = mean * rng.uniform(0.5, 1.5)
    while moment < natural - 5:
        found.append((moment, one if rng.random() < 0.5 else other))
        moment += mean * rng.uniform(0.5, 1.5)
    return found


def _ask_for_help(*, student: SimulatedStudent, rng: Random, natural: float, pace: float) -> list[tuple[float, Act]]:
    """Return the help signals: the first after a while, one every ten real seconds, and the stop before the end."""
    at_once = student.archetype is Archetype.ASKER
    moment = (rng.uniform(10, 30) if at_once else rng.uniform(60, 120) * student.patience) / pace
    off = (natural - rng.uniform(5, 20)) / pace
    acts: list[tuple[float, Act]] = []
    while moment < off:
        acts.append((moment, "help"))
        moment += HELP_INTERVAL
    if acts and rng.random() > NO_STOP_PROBABILITY:
        acts.append((off, "help_stop"))
    return acts
