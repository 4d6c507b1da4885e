"""Tables for spreadsheets: what a hostile text cannot turn into a formula, and Excel reads in any language."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from lms.spreadsheets import ENCODING, harmless

Value = str | int | float | None


def table_csv(head: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Numbers stay numbers; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    written = StringIO()
    writer = csv.writer(written)
    writer.writerow(head)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return written.getvalue().encode(ENCODING)
