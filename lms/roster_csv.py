"""A list of students as CSV: what teachers export from a spreadsheet or a school's register, and what they get back.

    e-mail (required), name, team     by a header in English or Japanese, or in this order without one
    comma, semicolon or tab           whichever the first line uses most
    UTF-8 with or without its mark, UTF-16 with it, CP932 (the Shift_JIS that Excel writes in Japan)

Reading stores nothing: every line comes back, each with its problem, so that all of them can be corrected at once.
"""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from lms.identity import email_key
from lms.models.addresses import validate_address
from lms.spreadsheets import harmless, original

LARGEST = 512 * 1024  # bytes
MOST_LINES = 2000
LONGEST = {"email": 254, "name": 255, "team": 255}
COLUMNS = ("email", "name", "team")
DELIMITERS = ",;\t"

# Compared without case, blanks, hyphens and underscores.
HEADERS = {
    "email": "email|mail|emailaddress|mailaddress|メール|メールアドレス|eメール|eメールアドレス|電子メール",
    "name": "name|fullname|studentname|username|氏名|名前|お名前|姓名|受講者名|受講者|学生名|生徒名",
    "team": "team|teamname|group|チーム|チーム名|班|班名|グループ|グループ名",
}
MEANING = {header: column for column, headers in HEADERS.items() for header in headers.split("|")}


class Unreadable(Exception):
    """The whole of it cannot be read; the text says why and what to do."""


@dataclass(slots=True)
class Line:
    number: int  # as an editor counts, from 1
    email: str
    name: str
    team: str
    problem: str = ""


@dataclass(frozen=True)
class Table:
    lines: list[Line]
    ignored: list[str] = field(default_factory=list)  # headers of columns that mean nothing here

    @property
    def good(self) -> list[Line]:
        return [line for line in self.lines if not line.problem]

    @property
    def bad(self) -> list[Line]:
        return [line for line in self.lines if line.problem]


def text_of(content: bytes) -> str:
    """The text of an uploaded file. Raises Unreadable."""
    if len(content) > LARGEST:
        raise Unreadable(too_large())
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Unreadable(gettext("This is a workbook, not a CSV file. Save it as CSV in your spreadsheet first."))
    encodings = ["utf-8-sig", "cp932"]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable(gettext("The file is neither UTF-8 nor Shift_JIS. Save it as “CSV UTF-8” and try again."))


def read(text: str, *, known: Iterable[str] = ()) -> Table:
    """The lines of a list; `known` are identities that are fine though they are no address. Raises Unreadable."""
    if len(text.encode()) > LARGEST:
        raise Unreadable(too_large())
    rows = _rows(text.removeprefix("\ufeff"))
    if not rows:
        raise Unreadable(gettext("The list is empty. Paste at least one line with an e-mail address."))
    columns, ignored = _columns(rows[0][1])
    if columns is None:
        columns = dict(zip(COLUMNS, range(3), strict=True))
    else:
        rows = rows[1:]
    if not rows:
        raise Unreadable(gettext("There is a header but no student below it."))
    if len(rows) > MOST_LINES:
        raise Unreadable(gettext("More than %(most)d lines. Import the list in parts.") % {"most": MOST_LINES})
    lines = [Line(number, *(_cell(cells, columns.get(name)) for name in COLUMNS)) for number, cells in rows]
    _check(lines, {email_key(each) for each in known})
    return Table(lines, ignored)


def write(rows: Iterable[tuple[str, str, str]]) -> str:
    """(e-mail, name, team) as CSV, with the mark by which Excel knows UTF-8; nothing in it is a formula."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    writer.writerows([harmless(text) for text in row] for row in rows)
    return "\ufeff" + target.getvalue()


def too_large() -> str:
    return gettext("The list is larger than %(most)d KB. Import it in parts.") % {"most": LARGEST // 1024}


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """The lines that hold something, with the number of the line each begins on."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, begins = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error:
        problem = gettext("Line %(number)d cannot be read: a quotation mark is not closed or stands inside a text.")
        raise Unreadable(problem % {"number": begins}) from None
    return rows


def _columns(first: list[str]) -> tuple[dict[str, int] | None, list[str]]:
    """Which column is which, by the header; None where the first line is a student already. Raises Unreadable."""
    found: dict[str, int] = {}
    ignored = []
    for index, cell in enumerate(first):
        column = MEANING.get(_plain(cell))
        if column and column not in found:
            found[column] = index
        elif cell.strip():
            ignored.append(cell.strip())
    if "email" in found:
        return found, ignored
    if found and not any("@" in cell for cell in first):
        raise Unreadable(gettext("The header names no column with e-mail addresses. Call that column “email”."))
    return None, []


def _plain(header: str) -> str:
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(letter for letter in folded if letter not in " -_‐－\t\r\n")


def _cell(cells: list[str], index: int | None) -> str:
    text = cells[index].strip() if index is not None and index < len(cells) else ""
    return original(text)


def _check(lines: list[Line], known: set[str]) -> None:
    seen: dict[str, int] = {}
    for line in lines:
        line.email = unicodedata.normalize("NFKC", line.email)  # ＠ and full-width letters of a Japanese keyboard
        line.problem = _problem(line, known)
        first = seen.setdefault(email_key(line.email), line.number)
        if not line.problem and first != line.number:
            line.problem = gettext("The same address is on line %(number)d.") % {"number": first}


def _problem(line: Line, known: set[str]) -> str:
    if not email_key(line.email):
        return gettext("The e-mail address is missing.")
    for column, label in (("email", gettext("e-mail")), ("name", gettext("name")), ("team", gettext("team"))):
        text = getattr(line, column)
        if len(text) > LONGEST[column]:
            words = gettext("The %(column)s is longer than %(most)d characters.")
            return words % {"column": label, "most": LONGEST[column]}
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
            return gettext("The %(column)s contains a line break or a control character.") % {"column": label}
    try:
        validate_address(line.email)
    except ValidationError:
        if email_key(line.email) not in known:
            return gettext("“%(text)s” is not an e-mail address.") % {"text": line.email}
    return ""
