"""The shape of the plot of times in the lesson report. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from classroom.base.plots import Box, box, percent, scale
from classroom.lesson_report.cells import CellFacts

MOST_TIMED = 30  # cells in the plot; the table has all


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePlot:
    """A line a cell, over one axis in minutes."""

    notebooks: list[tuple[str, list[tuple[CellFacts, Box]]]]  # name, lines
    ticks: list[tuple[float, int]]  # percent from the left, minutes
    is_cut: bool


def time_plot(cells: Sequence[CellFacts]) -> TimePlot:
    """Of cells whose times are known, in the order of their notebooks: those that most students tried, and the notebook
    that most were in first. What a few ran ahead to is left out before what the class did."""
    tried = sorted(range(len(cells)), key=lambda place: (-cells[place].students, place))
    shown = [cells[place] for place in sorted(tried[:MOST_TIMED])]
    minutes = scale(ceil(max((cell.times[2] for cell in shown if cell.times), default=0) / 60))
    most = minutes[-1] * 60
    found: dict[str, list[CellFacts]] = {}
    for cell in shown:
        found.setdefault(cell.notebook_path, []).append(cell)
    order = sorted(found.values(), key=lambda its: -max(cell.students for cell in its))
    return TimePlot(
        notebooks=[
            (its[0].notebook, [(cell, box(*cell.times, most=most)) for cell in its if cell.times]) for its in order
        ],
        ticks=[(percent(value * 60, most), value) for value in minutes],
        is_cut=len(cells) > MOST_TIMED,
    )
