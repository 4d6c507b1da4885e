"""The cells of the cell map as HTML: a template loop over 12,000 of them would be too slow."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from classroom.cells.selectors import SIGNS, CellMap, MapRow

register = template.Library()

PLAIN = {state: f'<td class="s{state}">{sign}</td>' for state, sign in SIGNS.items()}
AT_MEDIAN = {state: f'<td class="s{state} median">{sign}</td>' for state, sign in SIGNS.items()}


@register.filter
def cells(row: MapRow, found: CellMap) -> SafeString:
    """Return one `td` per column, with its state as class and sign, and the class `median`."""
    pieces = [PLAIN[state] for state in row.states]
    if found.median:
        pieces[found.median - 1] = AT_MEDIAN[row.states[found.median - 1]]
    return mark_safe("".join(pieces))  # noqa: S308 - constants chosen by state, no user input
