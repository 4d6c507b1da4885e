"""Parser and writer of lists of students as CSV, from spreadsheets, registers, LMSs or mail programs.

    e-mail (required), name, team     by a header that `lms.rosters.headers` knows, or in this order without one
    number and reading of a student   by such a header alone
    any usual delimiter               the one with which most lines have an address
    any usual encoding                `lms.rosters.encodings`
    values as spreadsheets wrap them  `lms.rosters.cells`

The header may follow title lines, and may occur again further down. Of several columns that could hold the address, the
one that does is used. Parsing stores nothing: it returns every line, each with its problem, so that all of them can be
corrected at once. A line that cannot be parsed does not affect others.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from core.identity import email_key, number_form
from core.validators import validate_address
from lms.rosters import encodings as rosters_encodings
from lms.rosters.cells import address_of, is_address, is_marked, name_of, people_of, without_mark
from lms.rosters.columns import Layout, first_header, is_another_header, layout_by_header, layout_without_header
from lms.rosters.encodings import BROKEN
from lms.rosters.rows import (
    Row,
    Unreadable,
    is_identity,
    is_known,
    refuse_wide,
    rows_by_best_delimiter,
    rows_of,
    unwrapped,
)
from lms.spreadsheets import harmless, original

MAX_BYTES = 512 * 1024  # bytes
MAX_LINES = 2000
MAX_LENGTHS = {"email": 254, "name": 255, "team": 255, "student_number": 64, "reading": 255}  # characters
MAX_WRITTEN = 2 * MAX_LINES  # with titles, and names that go over lines
COLUMNS = ("email", "name", "team", "student_number", "reading")

HINT = re.compile(r'"?sep=(\\t|.)"?[\s,;]*', re.IGNORECASE)
# Rows of a Canvas gradebook that are no students.
NO_STUDENTS = {"points possible", "student, test", "test student", "manual posting"}
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]")
HANGUL = re.compile(r"[\uac00-\ud7a3]+")


@dataclass(slots=True)
class Line:
    number: int  # as an editor counts, from 1
    email: str
    name: str
    team: str
    problem: str = ""
    student_number: str = ""
    reading: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The values of `COLUMNS`."""
        return self.email, self.name, self.team, self.student_number, self.reading


@dataclass(frozen=True)
class Table:
    lines: list[Line]
    ignored: list[str] = field(default_factory=list)  # headers of columns that are not used
    # The headers of the columns that were read, by `email`, `name`, `reading`, `number` and `team`; of a name or a
    # reading there may be two.
    columns: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)  # numbers of lines that are no student: titles, headers, sums

    @property
    def good(self) -> list[Line]:
        return [line for line in self.lines if not line.problem]

    @property
    def bad(self) -> list[Line]:
        return [line for line in self.lines if line.problem]


def text_of(content: bytes) -> str:
    """Return the text of an uploaded file. Raises Unreadable."""
    if len(content) > MAX_BYTES:
        raise Unreadable(too_large())
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Unreadable(gettext("This is a workbook, not a CSV file. Save it as CSV in your spreadsheet first."))
    text = rosters_encodings.text_of(content)
    if text is None:
        words = gettext(
            "The file is neither UTF-8 nor Shift_JIS nor in another encoding that could be told. Save it as “CSV UTF-8”"
            " and try again."
        )
        raise Unreadable(words)
    return text


def read(text: str, *, known: Iterable[str] = ()) -> Table:
    """Parse a list. `known` are identities that are accepted though they are no address. Raises Unreadable."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise Unreadable(too_large())
    text = text.removeprefix("\ufeff")
    identities = {email_key(each) for each in known}
    table = _mail_list(text) or _table(text, identities)
    if len(table.lines) > MAX_LINES:
        raise Unreadable(too_long())
    _check(table.lines, identities)
    return table


def write(rows: Iterable[tuple[str, str, str, str, str]]) -> str:
    """Return rows of `COLUMNS` as CSV, with a byte order mark for Excel, and without formulas."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    writer.writerows([harmless(text) for text in row] for row in rows)
    return "\ufeff" + target.getvalue()


def too_large() -> str:
    return gettext("The list is larger than %(most)d KB. Import it in parts.") % {"most": MAX_BYTES // 1024}


def too_long() -> str:
    return gettext("More than %(most)d lines. Import the list in parts.") % {"most": MAX_LINES}


# --- Lines and cells ------------------------------------------------------------------------------------------------


def _mail_list(text: str) -> Table | None:
    """Parse addressees as a mail program copies them: `Hana Sato <hana@example.com>; …`. Return None for other
    texts."""
    written = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not written or ("<" not in text and "＜" not in text and len(written) > 1):
        return None
    found: list[Line] = []
    for number, line in written:
        people = people_of(line, maximum=MAX_LINES - len(found))
        if people is None:
            return None
        found += [Line(number, address_of(address)[0], name_of(name), "") for name, address in people]
    return Table(found) if len(found) > 1 or "<" in text or "＜" in text else None


def _table(text: str, known: set[str]) -> Table:
    if sum(bool(line.strip()) for line in text.splitlines()) > MAX_WRITTEN:
        raise Unreadable(too_long())
    text = unwrapped(text)
    first = next((line for line in text.splitlines() if line.strip()), "")
    hint = HINT.fullmatch(first.strip(" "))
    if hint:  # a directive for Excel; its line stays, so that line numbers are kept
        rows = rows_of(text.replace(first, "", 1), "\t" if hint[1] == r"\t" else hint[1])
    else:
        rows = rows_by_best_delimiter(text, first, known)
    if not rows:
        raise Unreadable(gettext("The list is empty. Paste at least one line with an e-mail address."))
    if all(row.is_torn for row in rows):
        problem = gettext("Line %(number)d cannot be read: a quotation mark is not closed or is inside a text.")
        raise Unreadable(problem % {"number": rows[0].number})
    refuse_wide(rows)
    return _lines(rows, known)


# --- Parts ----------------------------------------------------------------------------------------------------------


def _lines(rows: list[Row], known: set[str]) -> Table:
    """Return the lines of the rows, each parsed by the header above it."""
    has_address = [any(is_identity(cell, known) for cell in row.cells) for row in rows]
    begin = first_header(rows, has_address)
    lines: list[Line] = []
    left_out = [row.number for row in rows[: begin or 0]]
    ignored: list[str] = []
    columns: dict[str, list[str]] = {}
    for header, body in _parts(rows, has_address, begin):
        if header is None:
            layout = layout_without_header(body, known)
        else:
            layout = layout_by_header(header, body, known)
            titles = [" ".join(cell.split()) for cell in header.cells]
            used = {index for indexes in layout.used.values() for index in indexes}
            ignored += [cell for index, cell in enumerate(titles) if cell and index not in used and cell not in ignored]
            for name, indexes in layout.used.items():
                columns.setdefault(name, [titles[index] for index in indexes if index < len(titles)])
            if header.number != rows[begin or 0].number:
                left_out.append(header.number)
        for row in body:
            line = _line(row, layout, known)
            if line is None:
                left_out.append(row.number)
            else:
                lines.append(line)
    if not lines:
        raise Unreadable(gettext("There is a header but no student below it."))
    return Table(lines, ignored, columns, sorted(left_out))


def _parts(rows: list[Row], has_address: list[bool], begin: int | None) -> Iterator[tuple[Row | None, list[Row]]]:
    """Yield each header and the rows below it. Two concatenated lists have two headers."""
    header, first = (None, 0) if begin is None else (rows[begin], begin + 1)
    body: list[Row] = []
    for index in range(first, len(rows)):
        row = rows[index]
        if not has_address[index] and is_another_header(row, header):
            yield header, body
            header, body = row, []
        else:
            body.append(row)
    yield header, body


# --- Students -------------------------------------------------------------------------------------------------------


def _line(row: Row, layout: Layout, known: set[str]) -> Line | None:
    """Return the student of a row; None if it has none."""
    cell = row.cell(layout.email)
    email, named = address_of(cell)
    if is_known(cell, known):
        email, named = original(cell.strip()), ""
    name, team = _name(row, layout), name_of(row.cell(layout.team))
    if is_marked(cell) and is_marked(name):
        name = without_mark(name)
    if layout.header and name.lower() in NO_STUDENTS and not is_address(cell):
        return None
    if not (email or name or cell.strip()):
        return None
    line = Line(row.number, email, name or named, team, "", _number(row, layout), _reading(row, layout))
    if row.is_torn:
        line.problem = gettext("A quotation mark is not closed or is inside a text.")
    return line


def _name(row: Row, layout: Layout) -> str:
    if layout.name is not None:
        return name_of(row.cell(layout.name))
    given, middle, family = (
        "" if index is None else name_of(row.cell(index)) for index in (layout.given, layout.middle, layout.family)
    )
    if not (given and family):
        return given or family
    if CJK.search(family) or CJK.search(given):  # 佐藤 花, 김철수
        name = f"{family}{given}" if HANGUL.fullmatch(family + given) else f"{family} {given}"
        return name[: MAX_LENGTHS["name"] + 1]
    is_family_first = _is_family_first(layout)
    return " ".join(part for part in ((family, given, middle) if is_family_first else (given, middle, family)) if part)


def _number(row: Row, layout: Layout) -> str:
    return number_form(without_mark(name_of(row.cell(layout.number))))


def _reading(row: Row, layout: Layout) -> str:
    return " ".join(part for index in layout.reading if (part := name_of(row.cell(index))))


def _is_family_first(layout: Layout) -> bool:
    """Return whether names in Latin letters begin with the family name: if 姓 comes before 名 in the header. Below
    other headers the given name comes first."""
    if layout.given is None or layout.family is None:
        return False
    headers = [layout.header[index] for index in (layout.family, layout.given) if index < len(layout.header)]
    return layout.family < layout.given and any(CJK.search(header) for header in headers)


def _check(lines: Sequence[Line], known: set[str]) -> None:
    seen: dict[str, int] = {}
    for line in lines:
        line.problem = line.problem or _problem(line, known)
        first = seen.setdefault(email_key(line.email), line.number) if line.email else line.number
        if not line.problem and first != line.number:
            line.problem = gettext("The same address is on line %(number)d.") % {"number": first}


def _problem(line: Line, known: set[str]) -> str:
    if not email_key(line.email):
        return gettext("The e-mail address is missing.")
    for column in COLUMNS:
        if problem := problem_of(column, getattr(line, column)):
            return problem
    try:
        validate_address(line.email)
    except ValidationError:
        if email_key(line.email) not in known:
            return gettext("“%(text)s” is not an e-mail address.") % {"text": line.email}
    return ""


def problem_of(column: str, text: str) -> str:
    """Return why the text cannot be stored in this one of COLUMNS; "" if it can."""
    if len(text) > MAX_LENGTHS[column]:
        words = gettext("The %(column)s is longer than %(most)d characters.")
        return words % {"column": _label(column), "most": MAX_LENGTHS[column]}
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        return gettext("The %(column)s contains a line break or a control character.") % {"column": _label(column)}
    if BROKEN in text:
        return gettext("The %(column)s contains a character that could not be read.") % {"column": _label(column)}
    return ""


def _label(column: str) -> str:
    return {
        "email": gettext("e-mail"),
        "name": gettext("name"),
        "team": gettext("team"),
        "student_number": gettext("student number"),
        "reading": gettext("reading"),
    }[column]
