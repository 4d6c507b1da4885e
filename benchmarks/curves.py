"""Draw curves as one SVG image, readable on light and dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from benchmarks.rows import shown

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, GAP = 360, 200, 56, 36, 34, 24  # of one panel, in pixels
DASHES = ("", "6 3", "2 3")  # lines differ by more than colour
STYLE = """text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 }
path { fill: none; stroke: #0b62c4; stroke-width: 2 } circle { fill: #0b62c4 } line { stroke: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } path { stroke: #6cb0ff } circle { fill: #6cb0ff } }"""


@dataclass(frozen=True, slots=True)
class Curve:
    """A panel: a line for each name, all over the same values of x, from zero on both axes."""

    title: str
    unit: str
    along: str
    xs: Sequence[float]
    lines: dict[str, list[float]]


def draw(path: Path, curves: Sequence[Curve]) -> None:
    """Return the SVG, with two panels a row."""
    rows = (len(curves) + 1) // 2
    wide, high = 2 * (WIDTH + GAP), rows * (HEIGHT + GAP)
    panels = [
        f'<g transform="translate({index % 2 * (WIDTH + GAP)} {index // 2 * (HEIGHT + GAP)})">{panel(curve)}</g>'
        for index, curve in enumerate(curves)
    ]
    size = f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        f"<title>{escape('; '.join(curve.title for curve in curves))}</title><style>{STYLE}</style>"
        + "\n".join(panels)
        + "</svg>\n"
    )


def panel(curve: Curve) -> str:
    most = round_up(max(value for values in curve.lines.values() for value in values))
    right, floor = WIDTH - 16, HEIGHT - BOTTOM

    def x(value: float) -> float:
        return LEFT + (right - LEFT) * value / max(curve.xs)

    def y(value: float) -> float:
        return floor - (floor - TOP) * value / most

    parts = [f'<text class="title" x="0" y="14">{escape(curve.title)}, {escape(curve.unit)}</text>']
    for share in (0, 0.5, 1):
        parts.append(
            f'<line x1="{LEFT}" x2="{right}" y1="{y(most * share):.1f}" y2="{y(most * share):.1f}" opacity=".4"/>'
        )
        value = shown(most * share)
        parts.append(f'<text x="{LEFT - 6}" y="{y(most * share) + 4:.1f}" text-anchor="end">{value}</text>')
    for at in (curve.xs[0], curve.xs[len(curve.xs) // 2], curve.xs[-1]):
        parts.append(f'<text x="{x(at):.1f}" y="{floor + 16}" text-anchor="middle">{at:,}</text>')
    parts.append(f'<text x="{right}" y="{floor + 31}" text-anchor="end">{escape(curve.along)}</text>')
    by_end = sorted(curve.lines, key=lambda name: -curve.lines[name][-1])
    for index, (name, values) in enumerate(curve.lines.items()):
        points = [(x(at), y(value)) for at, value in zip(curve.xs, values, strict=True)]
        way = " L ".join(f"{left:.1f} {top:.1f}" for left, top in points)
        parts.append(f'<path d="M {way}" stroke-dasharray="{DASHES[index % len(DASHES)]}"/>')
        parts += [f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3"/>' for left, top in points]
        if len(curve.lines) > 1:
            # Names of lines that end close together would cover each other: above the highest, below the others, and
            # one between them in the middle.
            is_between = 0 < by_end.index(name) < len(by_end) - 1
            left, top = points[len(points) // 2] if is_between else points[-1]
            top += -7 if name == by_end[0] else 16
            parts.append(f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="end">{escape(name)}</text>')
    return "".join(parts)


def round_up(value: float) -> float:
    """Round a number up."""
    size: float = 10 ** (len(str(int(value))) - 1)
    return next(step * size for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * size >= value)
