"""How a room is drawn: the size of its plan and of the seats on it, in pixels. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import east_asian_width

WIDEST = 1080  # px; a plan of more columns has narrower seats first, and then is wider
PITCH = (60, 96)  # px from seat to seat, at least and at most
ROW = 64  # px from row to row
HEIGHTS = (220, 1800)
GAP = 8  # px between two seats beside each other
LETTER, WIDE_LETTER = 6.8, 12.6  # px


@dataclass(frozen=True, kw_only=True)
class PlanSize:
    width: int
    height: int
    seat: int  # the width of a seat

    @property
    def left(self) -> float:
        return -self.seat / 2

    @property
    def right(self) -> float:
        return self.seat / 2 - 6

    @property
    def symbol(self) -> float:
        return self.left + 6


def plan_size(points: Sequence[tuple[float, float]]) -> PlanSize:
    """Return the size of a plan on which seats at these points (percent) do not touch, if they are in rows."""
    beside = _closest([(y, x) for x, y in points])
    behind = _closest(points)
    pitch = min(max(WIDEST * beside / 100, PITCH[0]), PITCH[1])
    height = min(max(100 * ROW / behind, HEIGHTS[0]), HEIGHTS[1])
    return PlanSize(width=round(min(100 * pitch / beside, 3 * WIDEST)), height=round(height), seat=round(pitch - GAP))


def _closest(points: Iterable[tuple[float, float]]) -> float:
    """Return the smallest distance along the second coordinate of points with the same first one, in percent; of a lone
    point that of a wide room."""
    lines: dict[int, list[float]] = defaultdict(list)
    for line, place in points:
        lines[round(line)].append(place)
    gaps = [b - a for places in lines.values() for a, b in pairwise(sorted(places)) if b - a > 0.5]
    return max(min(gaps, default=20.0), 1.5)


def fitting(text: str, width: int) -> str:
    """Return the text as it fits into so many pixels."""
    room = float(width - 8)
    for index, letter in enumerate(text):
        room -= WIDE_LETTER if east_asian_width(letter) in "WFA" else LETTER
        if room < 0:
            return f"{text[: max(index - 1, 1)]}…"
    return text
