"""Geometry of the plots and charts: scales, boxes of quartiles, columns over time. Pure functions.

Horizontal values are percentages of the width, so that plots fit both screen and paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

HEIGHT = 120  # pixels of columns over time
MAX_TICKS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """From the first quartile to the third, with the median in it."""

    left: float
    width: float
    median: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PlotColumn:
    time: datetime
    runs: int
    errors: int
    left: float
    width: float
    runs_top: float
    runs_height: float
    errors_top: float
    errors_height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    columns: list[PlotColumn]
    ticks: list[tuple[float, int]]  # pixels from the top, runs
    height: int = HEIGHT


def box(low: float, median: float, high: float, *, maximum: float) -> Box:
    """Return the box of the quartiles; `maximum` is the value at the full width."""
    left = percent(low, maximum)
    return Box(left=left, width=round(max(0.5, percent(high, maximum) - left), 2), median=percent(median, maximum))


def columns(buckets: Sequence[tuple[datetime, int, int]]) -> Columns:
    """Return the columns of (time, runs, errors), oldest first."""
    ticks = scale(max((runs for _, runs, _ in buckets), default=0))
    maximum, width = ticks[-1], 100 / max(1, len(buckets))
    return Columns(
        columns=[
            PlotColumn(
                time=time,
                runs=runs,
                errors=errors,
                left=round((index + 0.1) * width, 3),
                width=round(0.8 * width, 3),
                runs_top=down(runs, maximum, height=HEIGHT),
                runs_height=round(HEIGHT - down(runs, maximum, height=HEIGHT), 2),
                errors_top=down(errors, maximum, height=HEIGHT),
                errors_height=round(HEIGHT - down(errors, maximum, height=HEIGHT), 2),
            )
            for index, (time, runs, errors) in enumerate(buckets)
        ],
        ticks=[(down(value, maximum, height=HEIGHT), value) for value in ticks],
    )


def scale(largest: int, *, maximum: int = MAX_TICKS) -> list[int]:
    """Return the ticks of an axis: round whole numbers from zero to at least the largest value."""
    step, sizes = 1, (1, 2, 5)
    index = 0
    while step * maximum < largest:
        index += 1
        step = sizes[index % 3] * 10 ** (index // 3)
    count = max(1, -(-largest // step))
    return [step * number for number in range(count + 1)]


def down(value: float, maximum: float, *, height: float, top: float = 0) -> float:
    """Return the pixels from the top for a value, in a panel from `top` to zero at the bottom."""
    return round(top + height * (1 - value / maximum), 2)


def percent(value: float, maximum: float) -> float:
    """Return the percentage from the left; `maximum` is the value at the full width."""
    return round(min(100.0, 100 * value / maximum), 2) if maximum else 0.0
