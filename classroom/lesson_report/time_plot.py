"""Lay out the plot of times in the lesson report. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from classroom.base.plots import Box, box, percent, scale
from classroom.lesson_report.cells import CellFacts

MAX_CELLS = 30  # in the plot; the table has all


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePlot:
    """One line per cell, over one axis in minutes."""

    notebooks: list[tuple[str, list[tuple[CellFacts, Box]]]]  # name, lines
    ticks: list[tuple[float, int]]  # percent from the left, minutes
    is_cut: bool


def time_plot(cells: Sequence[CellFacts]) -> TimePlot:
    """Return the plot of the MAX_CELLS cells that most students tried, by notebook, the one with most students first.

    `cells` are cells whose times are known, in the order of their notebooks.
    """
    by_students = sorted(range(len(cells)), key=lambda index: (-cells[index].students, index))
    shown = [cells[index] for index in sorted(by_students[:MAX_CELLS])]
    minutes = scale(ceil(max((cell.times[2] for cell in shown if cell.times), default=0) / 60))
    axis_end = minutes[-1] * 60
    found: dict[str, list[CellFacts]] = {}
    for cell in shown:
        found.setdefault(cell.notebook_path, []).append(cell)
    order = sorted(found.values(), key=lambda its: -max(cell.students for cell in its))
    return TimePlot(
        notebooks=[
            (its[0].notebook, [(cell, box(*cell.times, maximum=axis_end)) for cell in its if cell.times])
            for its in order
        ],
        ticks=[(percent(value * 60, axis_end), value) for value in minutes],
        is_cut=len(cells) > MAX_CELLS,
    )
