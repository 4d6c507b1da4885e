"""What a student did in the lesson and what the class made of each cell. Pure functions of runs; times are seconds.

`work_of` folds a student's runs once, when there are new ones; `class_of` adds up a class at each look.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

TOKEN = re.compile(r"\w+|[^\w\s]")
PRESENT = 900.0  # seconds since the last run: counts as in the room
STRUGGLE = 3  # failures at one cell
MIN_SOLVERS = 4  # classmates with an output, to say which is usual
USUAL = 0.5  # the share of them that agrees
RARE = 0.1  # an output that fewer have is another one


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a cell. Cells and notebooks are any hashable ids; `position` counts from 0."""

    at: float
    notebook: int | str
    cell: int | str
    position: int | None
    failed: bool
    aborted: bool = False
    error: str = ""  # its signature: the same mistake has the same one
    error_name: str = ""  # "NameError"
    output: str = ""  # what stands for it: the same output has the same one; empty if it is not known
    change: float | None = None  # to the run before it of this cell, 0 (none) to 1 (all); None: the first, or unknown


@dataclass(slots=True)
class CellWork:
    """One student at one cell."""

    notebook: int | str
    position: int | None = None
    runs: int = 0
    failures: int = 0
    open_failures: int = 0  # since its last success
    open_since: float = 0.0
    solved_at: float | None = None
    output: str = ""  # of the last success


@dataclass(slots=True)
class Work:
    """What one student did, from their runs, oldest first."""

    runs: Sequence[Run] = ()
    cells: dict[int | str, CellWork] = field(default_factory=dict)
    solved_at: list[float] = field(default_factory=list)  # when a cell worked for the first time
    done: list[Run] = field(default_factory=list)  # that were not aborted: one "run all" that stops leaves many
    times: list[float] = field(default_factory=list)  # of these


@dataclass(frozen=True, slots=True)
class CellOfClass:
    tried: int = 0
    solved: int = 0  # and not failing now
    failures: int = 0
    struggled: int = 0  # students who failed at it three times or more
    outputs: Counter[str] = field(default_factory=Counter)  # of the last success of each


@dataclass(slots=True)
class ClassWork:
    """The class at one moment. `times` and `solved_at` are of all students together, sorted."""

    now: float
    present: int
    times: list[float]
    solved_at: list[float]
    cells: dict[int | str, CellOfClass]
    solved_median: int  # cells that the median of those present got to work

    def runs_since(self, moment: float) -> float:
        """Return how many runs somebody of the class made since then: a lecture or a break makes none."""
        return (len(self.times) - bisect_right(self.times, moment)) / self.present

    def solved_since(self, moment: float) -> float:
        """Return how many new cells somebody of the class got to work since then."""
        return (len(self.solved_at) - bisect_right(self.solved_at, moment)) / self.present


def work_of(runs: Sequence[Run]) -> Work:
    work = Work(runs=runs)
    for run in runs:
        cell = work.cells.get(run.cell)
        if cell is None:
            cell = work.cells[run.cell] = CellWork(notebook=run.notebook)
        cell.position = run.position
        if run.aborted:
            continue
        work.done.append(run)
        work.times.append(run.at)
        cell.runs += 1
        if run.failed:
            cell.open_since = cell.open_since if cell.open_failures else run.at
            cell.failures += 1
            cell.open_failures += 1
            continue
        cell.open_failures = 0
        cell.output = run.output
        if cell.solved_at is None:
            cell.solved_at = run.at
            work.solved_at.append(run.at)
    return work


def class_of(works: Iterable[Work], now: float) -> ClassWork:
    """Add up a class. Takes time in proportion to its runs and cells."""
    times: list[float] = []
    solved_at: list[float] = []
    sums: dict[int | str, list[int]] = {}
    outputs: dict[int | str, Counter[str]] = {}
    solved: list[int] = []
    for work in works:
        times += work.times
        solved_at += work.solved_at
        if work.times and now - work.times[-1] < PRESENT:
            solved.append(len(work.solved_at))
        for key, cell in work.cells.items():
            found = sums.get(key)
            if found is None:
                found, outputs[key] = sums.setdefault(key, [0, 0, 0, 0]), Counter()
            found[0] += 1
            found[1] += cell.solved_at is not None and not cell.open_failures
            found[2] += cell.failures
            found[3] += cell.failures >= STRUGGLE
            if cell.output:
                outputs[key][cell.output] += 1
    times.sort()
    solved_at.sort()
    solved.sort()
    return ClassWork(
        now=now,
        present=max(1, len(solved)),
        times=times,
        solved_at=solved_at,
        cells={key: CellOfClass(a, b, c, d, outputs[key]) for key, (a, b, c, d) in sums.items()},
        solved_median=solved[len(solved) // 2] if solved else 0,
    )


def is_unusual(output: str, cell: CellOfClass) -> bool:
    """Return whether most classmates got one output here, and hardly any of them this one. `cell` counts all."""
    others = sum(cell.outputs.values()) - 1
    if not output or others < MIN_SOLVERS:
        return False
    usual = max((count - (text == output) for text, count in cell.outputs.items()), default=0)
    return usual >= USUAL * others and cell.outputs[output] - 1 < RARE * others


def outputs_agree(class_: ClassWork) -> bool:
    """Return whether there is a cell at which most of the class got one output: outputs can be compared. Stops at the
    first."""
    return any(
        (total := sum(cell.outputs.values())) > MIN_SOLVERS and max(cell.outputs.values()) >= USUAL * total
        for cell in class_.cells.values()
    )


@lru_cache(maxsize=2048)
def change_between(before: str, after: str) -> float:
    """Return how much of the code changed, by its words and signs: 0 for none, 1 for all."""
    if before == after:
        return 0.0
    old, new = Counter(TOKEN.findall(before)), Counter(TOKEN.findall(after))
    size = old.total() + new.total()
    return ((old - new).total() + (new - old).total()) / size if size else 1.0
