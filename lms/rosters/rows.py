"""Splits a list of students into rows and cells, by the best delimiter, tolerating wrong quotation marks."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from core.identity import email_key
from lms.rosters.cells import is_address
from lms.rosters.encodings import HEAD
from lms.rosters.headers import meaning_of
from lms.spreadsheets import original

DELIMITERS = ",;\t|，；、｜"
WRAPPED = re.compile(r'\s*"(?P<line>(?:[^"]|"")*)"[\s;,]*')
MAX_CELLS = 500  # of a row; what reads columns goes through all rows for each
MAX_JOINED = 10  # lines of one quoted text


class Unreadable(Exception):
    """The list cannot be parsed at all. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    cells: list[str]
    is_torn: bool = False  # a quotation mark is not closed

    def cell(self, index: int | None) -> str:
        return self.cells[index] if index is not None and index < len(self.cells) else ""


def is_identity(cell: str, known: set[str]) -> bool:
    return is_address(cell) or is_known(cell, known)


def is_known(cell: str, known: set[str]) -> bool:
    return bool(known) and email_key(original(cell.strip())) in known


def unwrapped(text: str) -> str:
    """Return the text without the quotation marks that some exports put around each whole line, below a header that
    may have none; any other text as it is."""
    lines = text.splitlines()
    written = [index for index, line in enumerate(lines) if line.strip()]
    found = {index: match["line"].replace('""', '"') for index in written if (match := WRAPPED.fullmatch(lines[index]))}
    below = written[1:] or written
    # A list of one column may be quoted as well: its cells are addresses, or hold none.
    if not all(index in found for index in below) or not any(_is_a_whole_line(found[index]) for index in below):
        return text
    return "\n".join(found.get(index, line) for index, line in enumerate(lines))


def _is_a_whole_line(cell: str) -> bool:
    return "@" in cell and not is_address(cell) and any(delimiter in cell for delimiter in DELIMITERS)


def rows_by_best_delimiter(text: str, first: str, known: set[str]) -> list[Row]:
    """Split by the delimiter with which most lines have an address, then most headers are known."""
    best: tuple[tuple[int, int, int], list[Row]] | None = None
    for delimiter in DELIMITERS:
        if delimiter not in text and delimiter != ",":
            continue
        rows = rows_of(text, delimiter)
        addresses = sum(any(is_identity(cell, known) for cell in row.cells) for row in rows)
        headers = max((sum(meaning_of(cell) is not None for cell in row.cells) for row in rows[:HEAD]), default=0)
        fit = (addresses, headers, first.count(delimiter))
        if best is None or fit > best[0]:
            best = fit, rows
    return best[1] if best else []


def rows_of(text: str, delimiter: str) -> list[Row]:
    """Return the rows that are not empty, with the number of the line on which each begins."""
    reader = _reader(io.StringIO(text, newline=""), delimiter)
    rows, begins = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(begins, cells))
            begins = reader.line_num + 1
    except csv.Error:
        return list(_one_by_one(text, delimiter))
    # A quotation mark that is never closed joins the following lines, up to the next one.
    if any("@" in cell.strip().partition("\n")[2] for row in rows for cell in row.cells if "\n" in cell.strip()):
        return list(_one_by_one(text, delimiter))
    return rows


def refuse_wide(rows: Iterable[Row]) -> None:
    """Refuse rows of more than MAX_CELLS cells. Raises Unreadable."""
    for row in rows:
        if len(row.cells) > MAX_CELLS:
            words = gettext("Line %(number)d has more than %(most)d columns. Delete those that are not needed.")
            raise Unreadable(words % {"number": row.number, "most": MAX_CELLS})


def _reader(lines: Iterable[str], delimiter: str) -> Any:
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter != "\t")


def _one_by_one(text: str, delimiter: str) -> Iterator[Row]:
    """Yield the rows of a list with a wrong quotation mark, parsing each line by itself if necessary."""
    lines, at = io.StringIO(text, newline="").readlines(), 0
    while at < len(lines):
        limit = at + 1
        while limit < len(lines) and limit - at < MAX_JOINED and "@" not in lines[limit]:
            limit += 1
        for end in range(at + 1, limit + 1 if lines[at].count('"') % 2 else at + 2):
            cells = _parsed(lines[at:end], delimiter)
            if cells is not None:
                break
        else:
            end = at + 1
        if cells is not None and not (end == at + 1 and lines[at].count('"') % 2):
            row = Row(at + 1, cells)
        else:
            cells = [cell.strip() for cell in lines[at].rstrip("\r\n").split(delimiter)]
            row = Row(at + 1, cells, is_torn=any(cell.count('"') % 2 for cell in cells))
        if any(cell.strip() for cell in row.cells):
            yield row
        at = end


def _parsed(lines: list[str], delimiter: str) -> list[str] | None:
    """Return the cells if these lines are exactly one row, else None."""
    try:
        rows = list(_reader(lines, delimiter))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
