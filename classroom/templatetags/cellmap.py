"""The cells of the map as markup: a template loop over 12,000 of them would take longer than all the rest."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from classroom.cells.selectors import SIGNS, CellMap, Row

register = template.Library()

PLAIN = {state: f'<td class="s{state}">{sign}</td>' for state, sign in SIGNS.items()}
AT_MEDIAN = {state: f'<td class="s{state} median">{sign}</td>' for state, sign in SIGNS.items()}


@register.filter
def cells(row: Row, found: CellMap) -> SafeString:
    """A `td` a column: its state as class and sign, and whether the median's line runs beside it."""
    pieces = [PLAIN[state] for state in row.states]
    if found.median:
        pieces[found.median - 1] = AT_MEDIAN[row.states[found.median - 1]]
    return mark_safe("".join(pieces))  # noqa: S308 - constants chosen by state, nothing of a student's
