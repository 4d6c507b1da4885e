"""CSV tables for spreadsheets: protected against formulas in cells (CSV injection), in the encoding that Excel reads.

A spreadsheet evaluates a text that begins with one of FORMULA: `=HYPERLINK(…)` in a student's name could send the table
to its author. A leading apostrophe makes it a text; it is removed when an exported file is imported again.

One that expects another separator than the file has (Excel: that of the country) begins a cell at each of its own in a
text, and a row at each line break. What begins like a formula there gets the apostrophe too.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TypeVar

# The last four are what a Japanese keyboard types; a Japanese Excel reads them as the first four.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ENCODING = "utf-8-sig"  # with a byte order mark, without which Excel misreads Japanese
MARK = "'"
# `- a` is an item of a list in a feedback, and no formula.
INSIDE = re.compile(r"(?<=[;,\n\r])( *)(?=[=@＝＠\t]|[-+－＋]\S)")
MARKED = re.compile(r"(?<=[;,\n\r])( *)'(?=[=@＝＠\t]|[-+－＋]\S)")

Value = TypeVar("Value")


def harmless(value: Value) -> Value | str:
    """Return the value for a cell: texts in which a cell may begin like a formula with an apostrophe there, others
    unchanged."""
    if not isinstance(value, str):
        return value
    text = INSIDE.sub(rf"\1{MARK}", value)
    return MARK + text if text.lstrip(" ").startswith(FORMULA) else text


def original(text: str) -> str:
    """Undo `harmless`."""
    bare = text.removeprefix(MARK)
    return MARKED.sub(r"\1", bare if bare.lstrip(" ").startswith(FORMULA) else text)


def table_csv(
    head: Sequence[str], rows: Iterable[Sequence[str | int | float | None]], *, decimal_comma: bool = False
) -> bytes:
    """Return the encoded table, with `harmless` values. With `decimal_comma` numbers have a comma and columns are
    separated by semicolons, for German and French spreadsheets, which read 8.5 as the 8th of May."""
    written = StringIO()
    writer = csv.writer(written, delimiter=";" if decimal_comma else ",")
    for row in (head, *rows):
        writer.writerow([_with_comma(value) if decimal_comma else harmless(value) for value in row])
    return written.getvalue().encode(ENCODING)


def _with_comma(value: str | float | None) -> str | int | float | None:
    return str(value).replace(".", ",") if isinstance(value, float) else harmless(value)
