"""Seats in rows and columns: their labels and points, and the order of labels. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from string import ascii_uppercase
from typing import NamedTuple

from core.identity import label_key

MAX_ROWS = 40
MAX_COLUMNS = 40
MAX_SEATS = 500  # in a room
AISLE = 0.6  # of the width of a seat


class PlacedSeat(NamedTuple):
    """A seat by its label, in percent of the room's width and height."""

    label: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Rows of seats seen from above, row A at the front. `aisles`: the columns, from 1, behind which there is one."""

    rows: int
    columns: int
    aisles: Collection[int] = ()

    @property
    def is_possible(self) -> bool:
        return (
            1 <= self.rows <= MAX_ROWS
            and 1 <= self.columns <= MAX_COLUMNS
            and self.rows * self.columns <= MAX_SEATS
            and all(1 <= aisle < self.columns for aisle in self.aisles)
        )

    def seats(self) -> list[PlacedSeat]:
        """Return the seats A1, A2, … row by row."""
        aisles = set(self.aisles)
        width = self.columns + AISLE * len(aisles)
        found = []
        for row in range(self.rows):
            for column in range(1, self.columns + 1):
                left = column - 0.5 + AISLE * sum(aisle < column for aisle in aisles)
                point = round(100 * left / width, 2), round(100 * (row + 0.5) / self.rows, 2)
                found.append(PlacedSeat(f"{letters(row)}{column}", *point))
        return found


def letters(number: int) -> str:
    """Return the name of a row, counted from 0: A, B, …, Z, AA, AB, …"""
    head = letters(number // 26 - 1) if number >= 26 else ""
    return head + ascii_uppercase[number % 26]


def label_order(label: str) -> list[tuple[int, int, str]]:
    """Return a sort key: A2 before A10, Z1 before AA1."""
    parts = re.findall(r"[0-9]+|[^0-9]+", label_key(label))
    return [(0, int(part[:18]), "") if part.isdecimal() else (1, len(part), part) for part in parts]


def free_place(taken: Collection[tuple[float, float]]) -> tuple[float, float]:
    """Return a point for one more seat: the first away from the others, from the front of the room."""
    grid = [(float(x), float(y)) for y in range(10, 100, 16) for x in range(6, 100, 11)]
    away = (point for point in grid if all(abs(point[0] - x) > 5 or abs(point[1] - y) > 7 for x, y in taken))
    return next(away, grid[len(taken) % len(grid)])
