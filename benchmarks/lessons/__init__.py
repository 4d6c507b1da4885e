"""Simulated lessons with a truth of their own: who is stuck, from when to when, and why.

Each module here is a world: a function `make_lesson(*, style, students, seed) -> Lesson` that was written without
looking at the other worlds and without any threshold of the product. `benchmarks.attention` fits on some of them and
reports on the others. Times are seconds since the lesson began.
"""

from dataclasses import dataclass, field
from typing import Literal

Style = Literal["live coding", "exercises", "project", "exam"]
STYLES: tuple[Style, ...] = ("live coding", "exercises", "project", "exam")


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a cell, as an extension reports it when it ends."""

    at: float  # seconds; when it ended
    student: int
    notebook: str
    cell: str  # its id; cells that a student inserts have ids of their own
    position: int  # in the student's own notebook at that moment, from 0
    code: str
    failed: bool
    error: str = ""  # the name, such as NameError
    message: str = ""  # what follows the name
    output: str = ""
    duration: float = 0.1  # seconds
    status: Literal["", "aborted"] = ""  # aborted: an earlier cell of "run all" failed


@dataclass(frozen=True, slots=True)
class Stuck:
    """A stretch in which a student cannot go on without help. Ends when they recover, are helped, or leave."""

    student: int
    start: float
    end: float
    why: str  # the world's own word for it


@dataclass(frozen=True, slots=True)
class Asked:
    """A student asks for help; only some who are stuck do."""

    at: float
    student: int


@dataclass(slots=True)
class Lesson:
    world: str
    style: Style
    students: int
    seed: int
    length: float  # seconds
    runs: list[Run] = field(default_factory=list)  # by time
    stuck: list[Stuck] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    focus: list[tuple[float, int, bool]] = field(default_factory=list)  # at, student, the notebook has the focus
