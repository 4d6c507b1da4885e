"""The worlds by name, and the lessons that are fitted and reported on."""

from importlib import import_module
from pathlib import Path

from benchmarks.lessons import Lesson, Style

WORLDS = ("states", "tinkerers", "skills", "drift")
FITTING, REPORT = range(1, 9), range(101, 107)  # seeds
SIZES = (30, 60, 60, 120)  # students, by seed
# The weights of which each world is reported: fitted on the other three. And the bounds.
ROTATED = Path(__file__).parent / "rotated.json"


def make(world: str, style: Style, seed: int) -> Lesson:
    lesson: Lesson = import_module(f"benchmarks.lessons.{world}").make_lesson(
        style=style, students=SIZES[seed % len(SIZES)], seed=seed
    )
    return lesson
