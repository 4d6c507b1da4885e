"""Draw how often what was foreseen happened, as one SVG image for light and dark pages."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

CALIBRATION = Path(__file__).parent.parent / "docs" / "images" / "attention-calibration.svg"
SIZE, LEFT, TOP, BOTTOM, GAP = 220, 44, 34, 46, 24  # pixels
LEAST = 20  # looks in a bin; a share of fewer means nothing
STYLE = """text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 }
path { fill: none; stroke: #0b62c4; stroke-width: 2 } circle { fill: #0b62c4 } line { stroke: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } path { stroke: #6cb0ff } circle { fill: #6cb0ff } }"""


def draw_calibration(worlds: Mapping[str, Sequence[Sequence[float]]], path: Path = CALIBRATION) -> None:
    """Draw a panel for each world; the dashed line is where the points would lie at best."""
    wide = len(worlds) * (LEFT + SIZE + GAP)
    high = TOP + SIZE + BOTTOM
    panels = "\n".join(
        f'<g transform="translate({number * (LEFT + SIZE + GAP)} 0)">{_panel(name, bins)}</g>'
        for number, (name, bins) in enumerate(worlds.items())
    )
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        f'role="img"><title>Probability foreseen, and share of students who were stuck</title><style>{STYLE}</style>'
        f"{panels}</svg>\n"
    )


def _panel(name: str, bins: Sequence[Sequence[float]]) -> str:
    def x(value: float) -> float:
        return LEFT + SIZE * value

    def y(value: float) -> float:
        return TOP + SIZE * (1 - value)

    points = [(x(foreseen / looks), y(stuck / looks)) for looks, stuck, foreseen in bins if looks >= LEAST]
    parts = [f'<text class="title" x="0" y="14">{escape(name)}: stuck, %</text>']
    for share in (0, 0.5, 1):
        parts.append(f'<line x1="{LEFT}" x2="{x(1)}" y1="{y(share)}" y2="{y(share)}" opacity=".4"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(share) + 4}" text-anchor="end">{100 * share:.0f}</text>')
        parts.append(f'<text x="{x(share)}" y="{y(0) + 16}" text-anchor="middle">{100 * share:.0f}</text>')
    parts.append(f'<line x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}" stroke-dasharray="5 4"/>')
    parts.append(f'<text x="{x(1)}" y="{y(0) + 34}" text-anchor="end">foreseen, %</text>')
    parts.append('<path d="M ' + " L ".join(f"{left:.1f} {top:.1f}" for left, top in points) + '"/>')
    parts += [f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3"/>' for left, top in points]
    return "".join(parts)
