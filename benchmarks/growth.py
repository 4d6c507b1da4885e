"""Compute what grew during a long run: the slope after the warm-up, and the last part against the first."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from benchmarks.rows import Row, shown

WARM_UP = 1 / 6  # of the run: ten minutes of an hour
UNITS = {"keys": "keys", "waiting": "entries", "clients": "clients", "connections": "connections", "count": "processes",
         "rows": "rows", "posts": "posts", "failures": "failures", "unseen": "events"}  # fmt: skip


def flat(sample: dict[str, Any]) -> dict[str, float]:
    """One minute as `what, number` → value."""
    found = {"minute": float(sample["minute"])}
    for part, numbers in sample["memory"].items():
        found |= {f"{part}, {name}": value for name, value in numbers.items()}
    for group in ("redis", "database", "delays"):
        found |= {f"{group}, {name}": value for name, value in sample[group].items()}
    return found


def growth(minutes: Sequence[dict[str, float]]) -> list[Row]:
    """One row for each number: its slope an hour after the warm-up; the note says from where to where it went."""
    length = max(1, round(len(minutes) * WARM_UP))
    warm = minutes[length:] or minutes
    rows = []
    for name in sorted(minutes[-1].keys() - {"minute"}):
        first, last = mean(minutes[:length], name), mean(minutes[-length:], name)
        unit = UNITS.get(name.rpartition(", ")[2], "ms" if name.startswith("delays") else "MiB")
        note = f"first {length} min {shown(first)}, last {length} min {shown(last)}, most {shown(most(minutes, name))}"
        rows.append(Row(name=name, value=slope(warm, name), unit=f"{unit} an hour", note=note))
    return rows


def mean(minutes: Sequence[dict[str, float]], name: str) -> float:
    values = [minute[name] for minute in minutes if name in minute]
    return fmean(values) if values else float("nan")


def most(minutes: Sequence[dict[str, float]], name: str) -> float:
    return max((minute[name] for minute in minutes if name in minute), default=float("nan"))


def slope(minutes: Sequence[dict[str, float]], name: str) -> float:
    """Return the slope per hour by least squares."""
    points = [(minute["minute"] / 60, minute[name]) for minute in minutes if name in minute]
    if len(points) < 2:
        return float("nan")
    x_mean, y_mean = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / spread if spread else float("nan")
