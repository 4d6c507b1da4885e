"""What is drawn once for a class in the world of hidden states: its cells, and how being stuck goes there."""

from dataclasses import dataclass
from random import Random

from benchmarks.lessons import Style

MINUTES = {"live coding": 50, "exercises": 60, "project": 75, "exam": 70}
WAYS = ("repeats", "tinkers", "silent", "leafs", "moves on", "restarts", "unaware")
# From one way of being stuck to another, at each step.
BECOMES = {
    "repeats": ("tinkers", "silent", "restarts"), "tinkers": ("silent", "repeats", "leafs"),
    "silent": ("tinkers", "restarts", "leafs"), "leafs": ("silent", "tinkers"), "moves on": ("tinkers", "silent"),
    "restarts": ("silent", "tinkers"), "unaware": ("tinkers",),
}  # fmt: skip
NAMES = ("total", "rows", "count", "prices", "result", "names", "table", "mean", "index", "words", "data", "points")
ERRORS = (
    "NameError: name '{v}' is not defined", "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    "KeyError: '{v}'", "SyntaxError: invalid syntax (cell, line {n})", "IndexError: list index out of range",
    "ValueError: could not convert string to float: '{v}'", "AttributeError: 'list' object has no attribute '{v}'",
    "IndentationError: expected an indented block", "ZeroDivisionError: division by zero",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    notebook: str
    cell: str
    position: int
    need: float  # seconds that a usual student needs before the first run
    hardness: float
    lines: tuple[str, ...]
    output: str
    begins: float = 0.0  # when the teacher comes to it, in live coding
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn once for a class."""

    style: Style
    length: float
    tasks: tuple[Task, ...]
    lectures: tuple[tuple[float, float], ...]
    lasts: float  # median seconds of being stuck
    spread: float
    gap: float  # seconds between two tries
    ways: tuple[float, ...]  # weights of WAYS
    trouble: float  # how often a hard task ends in being stuck
    asks: float


def draw_class(style: Style, rng: Random) -> Drawn:
    length = MINUTES[style] * 60.0
    lectures: list[tuple[float, float]] = []
    if style in ("exercises", "project"):
        at = rng.uniform(0.3, 0.6) * length
        lectures.append((at, at + rng.uniform(3, 8) * 60))
    tasks: list[Task] = []
    books = 3 if style == "project" else 1
    per_book = {"live coding": 26, "exercises": 18, "project": 9, "exam": 12}[style]
    need = {"live coding": 45, "exercises": 95, "project": 150, "exam": 200}[style]
    begins = 60.0
    broken = rng.randrange(4, per_book) if rng.random() < 0.4 and style != "exam" else -1
    for book in range(books):
        for position in range(per_book):
            is_given = rng.random() < 0.3  # to be run only
            took = (15 if is_given else need) * rng.lognormvariate(0, 0.4)
            names = rng.sample(NAMES, 4)
            lines = tuple(draw_line(rng, names) for _ in range(rng.randrange(2, 9)))
            hardness = -3.0 if is_given else rng.gauss(0, 1)
            tasks.append(
                Task(f"week{book}.ipynb", f"b{book}c{position}", position, took, hardness, lines,
                      f"{rng.randrange(10**6)}", begins, position == broken and book == 0)
            )  # fmt: skip
            begins += took * 1.15 + (rng.uniform(60, 240) if rng.random() < 0.12 else 10)
    ways = tuple(rng.gammavariate(2.0, 1.0) for _ in WAYS)
    return Drawn(style, length, tuple(tasks), tuple(lectures), lasts=rng.uniform(5, 12) * 60,
                  spread=rng.uniform(0.4, 0.8), gap=rng.uniform(25, 55), ways=ways, trouble=rng.uniform(0.7, 1.5),
                  asks=0.0 if style == "exam" else rng.uniform(0.05, 0.3))  # fmt: skip


def draw_line(rng: Random, names: list[str]) -> str:
    a, b = rng.sample(names, 2)
    return rng.choice(
        (f"{a} = {rng.randrange(99)}", f"for {a} in {b}:", f"    {a} += len({b})", f"{a} = [x * 2 for x in {b}]",
         f"print({a}, {b}[{rng.randrange(9)}])", f"if {a} > {rng.randrange(9)}: {b} = {a}", f"{a} = sorted({b})",
         f"def make_{a}({b}): return {b}")
    )  # fmt: skip
