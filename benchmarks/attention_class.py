"""A simulated class with a truth of its own: who is stuck, from when to when and why, and who only looks like it.

It knows nothing of the detector: no threshold is read or repeated here. Times are minutes of the lesson. Everybody's
work is drawn first as if there were no lecture; the lecture then moves what comes after its beginning, for all alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Literal

MINUTES = 42.0
CELLS = 26
LECTURE = (17.0, 6.0)  # when everybody listens, and how long
BROKEN_CELL = 9

Kind = Literal[
    "steady", "repeats", "goes silent", "is lost", "asks",  # the last four are stuck at some time
    "struggles", "finishes early", "comes late", "takes a break", "is slow",  # and these are not
]  # fmt: skip
SHARES: dict[Kind, float] = {
    "steady": 0.44, "repeats": 0.07, "goes silent": 0.07, "is lost": 0.05, "asks": 0.04,
    "struggles": 0.09, "finishes early": 0.05, "comes late": 0.05, "takes a break": 0.07, "is slow": 0.07,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    at: float
    cell: int
    error: str = ""  # empty: it worked


@dataclass(frozen=True, slots=True)
class Stuck:
    """A stretch in which a student is stuck."""

    start: float
    end: float
    why: Kind


@dataclass(slots=True)
class Pupil:
    number: int
    kind: Kind
    runs: list[Run] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)
    asks_at: float | None = None
    stops_asking_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Cell:
    minutes: float
    difficulty: float


def make_class(*, seed: int, count: int) -> list[Pupil]:
    """Half the seeds have a cell that fails for nearly everybody until the teacher says how to mend it."""
    rng = Random(seed)
    cells = [Cell(rng.uniform(0.7, 1.9), rng.uniform(0.1, 0.7)) for _ in range(CELLS)]
    is_broken = seed % 2 == 1
    kinds = rng.choices(list(SHARES), weights=list(SHARES.values()), k=count)
    pupils = [
        _Life(Random(rng.random()), Pupil(number, kind), cells, is_broken).live() for number, kind in enumerate(kinds)
    ]
    for pupil in pupils:
        _listen(pupil)
    return pupils


class _Life:
    def __init__(self, rng: Random, pupil: Pupil, cells: list[Cell], is_broken: bool) -> None:
        self.rng, self.pupil, self.cells, self.is_broken = rng, pupil, cells, is_broken
        self.skill = rng.betavariate(4, 2.5)
        self.pace = rng.lognormvariate(0, 0.18)
        self.now = rng.expovariate(1 / 0.7)
        self.turn = rng.uniform(4, 18)  # when what this kind is about happens
        if pupil.kind == "is slow":
            self.pace = rng.uniform(1.5, 2.0)
        elif pupil.kind == "finishes early":
            self.pace, self.turn = rng.uniform(0.45, 0.6), rng.uniform(11, 18)
        elif pupil.kind == "comes late":
            self.now, self.pace = rng.uniform(8, 16), rng.uniform(0.7, 0.95)

    def live(self) -> Pupil:
        turned = False
        for number, cell in enumerate(self.cells):
            self.now += cell.minutes * self.pace * self.rng.lognormvariate(0, 0.35)
            if self.rng.random() < 0.05:
                self.now += self.rng.uniform(1, 4)  # a chat, a thought
            if self.now > MINUTES:
                break
            if not turned and self.now > self.turn:
                turned = True
                if self.pupil.kind == "finishes early":
                    break
                self._turn(number)
            elif self.is_broken and number == BROKEN_CELL and self.rng.random() < 0.85:
                self._meet_broken_cell(number)
            else:
                self._work(number, cell)
            self._run(number)
            while self.rng.random() < 0.4:
                self.now += self._gap(12)
                self._run(number)
            if self.pupil.kind == "struggles" and self.rng.random() < 0.25:
                self.turn, turned = self.now, False  # again at the next cell
        return self.pupil

    def _work(self, number: int, cell: Cell) -> None:
        """A few errors as everybody makes them; mostly another one after each try."""
        if self.rng.random() > cell.difficulty * (1.3 - self.skill):
            return
        mistake = self.rng.randrange(6)
        for _ in range(6):
            self._run(number, self._error(number, mistake))
            self.now += self._gap(30)
            if self.rng.random() < 0.35 + 0.4 * self.skill:
                return
            if self.rng.random() < 0.6:
                mistake = self.rng.randrange(6)

    def _turn(self, number: int) -> None:
        kind, start = self.pupil.kind, self.now
        if kind in ("repeats", "asks"):
            self._repeat(number, until=start + self.rng.uniform(6, 15))
        elif kind == "goes silent":
            for _ in range(self.rng.randrange(4)):  # some without a single error: they do not know how to begin
                self._run(number, self._error(number, 1))
                self.now += self._gap(25)
            self.now = max(self.now, start + self.rng.uniform(10, 26))
        elif kind == "is lost":
            until = start + self.rng.uniform(15, 26)
            while self.now < until:
                self.now += self.rng.uniform(0.6, 2.2)
                self._run(self.rng.randrange(max(1, number)))
        elif kind == "struggles":
            until = start + self.rng.uniform(2, 5.5)
            while self.now < until:
                self._run(number, self._error(number, self.rng.randrange(9)))
                self.now += self._gap(28)
        elif kind == "takes a break":
            self._run(number)
            self.now += self.rng.uniform(5, 15)
        if kind in ("repeats", "goes silent", "is lost", "asks"):
            self.pupil.stuck.append(Stuck(start, self.now, kind))
        if kind == "asks":
            self.pupil.asks_at = start + self.rng.uniform(0.7, 2)
            self.pupil.stops_asking_at = self.now - 0.2

    def _repeat(self, number: int, *, until: float) -> None:
        mistake = self.rng.randrange(6)
        while self.now < until:
            other = self.rng.random() < 0.15
            self._run(number, self._error(number, 7 if other else mistake))
            self.now += self._gap(38)
            if self.rng.random() < 0.15 and number:
                self._run(self.rng.randrange(number))  # looks back at what worked

    def _meet_broken_cell(self, number: int) -> None:
        for _ in range(self.rng.randrange(3, 7)):
            self._run(number, "FileNotFoundError: [Errno 2] No such file or directory: 'data/sales.csv'")
            self.now += self._gap(40)
        self.now += self.rng.uniform(0.5, 3)  # until the teacher has said it

    def _run(self, cell: int, error: str = "") -> None:
        self.pupil.runs.append(Run(self.now, cell, error))

    def _gap(self, seconds: float) -> float:
        return seconds / 60 * self.rng.lognormvariate(0, 0.45)

    def _error(self, number: int, mistake: int) -> str:
        name = ("NameError", "TypeError", "KeyError", "SyntaxError", "IndexError", "ValueError")[mistake % 6]
        return f"{name}: wrong {'abcdefghij'[mistake]} of {'abcdefghijklmnopqrstuvwxyz'[number]}"


def _listen(pupil: Pupil) -> None:
    """Whoever is in the middle of something puts it aside; a few cannot leave it."""
    start, length = LECTURE
    if pupil.number % 9 == 0:
        return

    def later(moment: float) -> float:
        return moment + length if moment >= start else moment

    pupil.runs = [Run(later(run.at), run.cell, run.error) for run in pupil.runs]
    pupil.stuck = [Stuck(later(one.start), later(one.end), one.why) for one in pupil.stuck]
    if pupil.asks_at is not None:
        pupil.asks_at, pupil.stops_asking_at = later(pupil.asks_at), later(pupil.stops_asking_at)


def runs_between(pupils: list[Pupil], since: float, until: float) -> Iterator[tuple[Pupil, Run]]:
    """Return the events ordered by time."""
    found = [(pupil, run) for pupil in pupils for run in pupil.runs if since < run.at <= until]
    yield from sorted(found, key=lambda pair: pair[1].at)
