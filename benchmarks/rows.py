"""Result rows (name, value, unit, note) and their medians over repetitions."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    name: str
    value: float
    unit: str
    note: str = ""

    def as_dict(self) -> dict[str, str | float]:
        return asdict(self)


def medians(runs: Sequence[Iterable[Row]]) -> list[Row]:
    """One row a name; the note tells the spread, because on a small noisy machine it is part of the answer."""
    by_name: dict[str, list[Row]] = {}
    for run in runs:
        for row in run:
            by_name.setdefault(row.name, []).append(row)
    return [_median(rows) for rows in by_name.values()]


def _median(rows: list[Row]) -> Row:
    values = [row.value for row in rows]
    if len(values) == 1:
        return rows[0]
    spread = f"median of {len(values)}: {shown(min(values))} to {shown(max(values))}"
    note = "; ".join(part for part in (rows[0].note, spread) if part)
    return replace(rows[0], value=median(values), note=note)


def percentiles(seconds: Sequence[float], *, name: str, note: str) -> list[Row]:
    """Return rows for p50, p95 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return [
        Row(
            name=f"{name}, p{percent}",
            value=ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] * 1000 if ordered else float("nan"),
            unit="ms",
            note=note if percent == 50 else "",
        )
        for percent in (50, 95, 99)
    ]


def shown(value: float) -> str:
    """Three digits that count; thousands with commas."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
