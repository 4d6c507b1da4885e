"""CSV tables for spreadsheets: safe from formulas in texts, in an encoding that Excel reads in any language."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from lms.spreadsheets import ENCODING, harmless

Value = str | int | float | None


def table_csv(head: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Return the encoded table; texts that a spreadsheet would take for formulas are prefixed with an apostrophe."""
    written = StringIO()
    writer = csv.writer(written)
    writer.writerow(head)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return written.getvalue().encode(ENCODING)
