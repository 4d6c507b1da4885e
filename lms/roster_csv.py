"""A list of students as CSV: what teachers export from a spreadsheet, a register, an LMS or a mail program, and what
they get back.

    e-mail (required), name, team     by a header that `lms.roster_headers` knows, or in this order without one
    any usual delimiter               the one by which most lines have an address
    any usual encoding                `lms.roster_encodings`
    as spreadsheets wrap things       `lms.roster_cells`

The header may stand below title lines, and again further down. Of several columns that could hold the address the one
that does is taken. Reading stores nothing: every line comes back, each with its problem, so that all of them can be
corrected at once; one that cannot be read costs no other.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from lms import roster_encodings
from lms.identity import email_key
from lms.models.addresses import validate_address
from lms.roster_cells import address_of, is_address, is_marked, name_of, people_of, without_mark
from lms.roster_encodings import BROKEN, HEAD
from lms.roster_headers import Meaning, meaning_of, plain
from lms.spreadsheets import harmless, original

LARGEST = 512 * 1024  # bytes
MOST_LINES = 2000
LONGEST = {"email": 254, "name": 255, "team": 255}
MOST_WRITTEN = 2 * MOST_LINES  # with titles, and names that go over lines
COLUMNS = ("email", "name", "team")
DELIMITERS = ",;\t|，；、｜"
MOST_JOINED = 10  # lines that one quoted text may go over

# What is shown of a student where a list has no name: what people call themselves, not what they log in with.
USER_NAMES = {plain(word) for word in ("username", "user name", "ユーザー名", "ユーザ名", "사용자명", "用户名")}
HINT = re.compile(r'"?sep=(\\t|.)"?[\s,;]*', re.IGNORECASE)
# Rows of a Canvas gradebook that are no students.
NOBODY = {"points possible", "student, test", "test student", "manual posting"}
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]")
HANGUL = re.compile(r"[\uac00-\ud7a3]+")
READING = re.compile(r"[\u3040-\u30ff\uff66-\uff9f\s・]+")
NUMBER = re.compile(r"[A-Za-z]{0,3}[-\d]*\d[-\d]*[A-Za-z]?")


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
    # The headers of the columns that were read, by `email`, `name` and `team`; of a name there may be two.
    columns: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)  # numbers of lines that are no student: titles, headers, sums

    @property
    def good(self) -> list[Line]:
        return [line for line in self.lines if not line.problem]

    @property
    def bad(self) -> list[Line]:
        return [line for line in self.lines if line.problem]


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    cells: list[str]
    is_torn: bool = False  # a quotation mark is not closed

    def cell(self, index: int | None) -> str:
        return self.cells[index] if index is not None and index < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column is which. A name is one column, or the parts of one in the order of `parts`."""

    email: int
    team: int | None = None
    name: int | None = None
    given: int | None = None
    middle: int | None = None
    family: int | None = None
    header: tuple[str, ...] = ()

    @property
    def used(self) -> dict[str, list[int]]:
        parts = [index for index in (self.name, self.given, self.middle, self.family) if index is not None]
        found = {"email": [self.email], "name": sorted(parts), "team": [] if self.team is None else [self.team]}
        return {name: indexes for name, indexes in found.items() if indexes}


def text_of(content: bytes) -> str:
    """The text of an uploaded file. Raises Unreadable."""
    if len(content) > LARGEST:
        raise Unreadable(too_large())
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Unreadable(gettext("This is a workbook, not a CSV file. Save it as CSV in your spreadsheet first."))
    text = roster_encodings.text_of(content)
    if text is None:
        words = gettext(
            "The file is neither UTF-8 nor Shift_JIS nor in another encoding that could be told. Save it as “CSV UTF-8”"
            " and try again."
        )
        raise Unreadable(words)
    return text


def read(text: str, *, known: Iterable[str] = ()) -> Table:
    """The lines of a list; `known` are identities that are fine though they are no address. Raises Unreadable."""
    if len(text.encode(errors="replace")) > LARGEST:
        raise Unreadable(too_large())
    text = text.removeprefix("\ufeff")
    identities = {email_key(each) for each in known}
    table = _mail_list(text) or _table(text, identities)
    if len(table.lines) > MOST_LINES:
        raise Unreadable(too_long())
    _check(table.lines, identities)
    return table


def write(rows: Iterable[tuple[str, str, str]]) -> str:
    """(e-mail, name, team) as CSV, with the mark by which Excel knows UTF-8; nothing in it is a formula."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    writer.writerows([harmless(text) for text in row] for row in rows)
    return "\ufeff" + target.getvalue()


def too_large() -> str:
    return gettext("The list is larger than %(most)d KB. Import it in parts.") % {"most": LARGEST // 1024}


def too_long() -> str:
    return gettext("More than %(most)d lines. Import the list in parts.") % {"most": MOST_LINES}


# --- Lines and cells ------------------------------------------------------------------------------------------------


def _mail_list(text: str) -> Table | None:
    """What a mail program copies: `Hana Sato <hana@example.com>; …`. None where the text is something else."""
    written = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not written or ("<" not in text and "＜" not in text and len(written) > 1):
        return None
    found: list[Line] = []
    for number, line in written:
        people = people_of(line, most=MOST_LINES - len(found))
        if people is None:
            return None
        found += [Line(number, address_of(address)[0], name_of(name), "") for name, address in people]
    return Table(found) if len(found) > 1 or "<" in text or "＜" in text else None


def _table(text: str, known: set[str]) -> Table:
    if sum(bool(line.strip()) for line in text.splitlines()) > MOST_WRITTEN:
        raise Unreadable(too_long())
    first = next((line for line in text.splitlines() if line.strip()), "")
    hint = HINT.fullmatch(first.strip(" "))
    if hint:  # a line for the spreadsheet; its number stays, so that the others keep theirs
        rows = _rows(text.replace(first, "", 1), "\t" if hint[1] == r"\t" else hint[1])
    else:
        rows = _most_fitting(text, first, known)
    if not rows:
        raise Unreadable(gettext("The list is empty. Paste at least one line with an e-mail address."))
    if all(row.is_torn for row in rows):
        problem = gettext("Line %(number)d cannot be read: a quotation mark is not closed or stands inside a text.")
        raise Unreadable(problem % {"number": rows[0].number})
    return _lines(rows, known)


def _most_fitting(text: str, first: str, known: set[str]) -> list[Row]:
    """The rows by the delimiter with which most lines have an address, then most headers are known."""
    best: tuple[tuple[int, int, int], list[Row]] | None = None
    for delimiter in DELIMITERS:
        if delimiter not in text and delimiter != ",":
            continue
        rows = _rows(text, delimiter)
        addresses = sum(any(_is_identity(cell, known) for cell in row.cells) for row in rows)
        headers = max((sum(meaning_of(cell) is not None for cell in row.cells) for row in rows[:HEAD]), default=0)
        fit = (addresses, headers, first.count(delimiter))
        if best is None or fit > best[0]:
            best = fit, rows
    return best[1] if best else []


def _rows(text: str, delimiter: str) -> list[Row]:
    """The lines that hold something, with the number of the line each begins on."""
    reader = _reader(io.StringIO(text, newline=""), delimiter)
    rows, begins = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(begins, cells))
            begins = reader.line_num + 1
    except csv.Error:
        return list(_rows_one_by_one(text, delimiter))
    # A quotation mark that is never closed takes in what follows, up to the next one.
    if any("@" in cell.strip().partition("\n")[2] for row in rows for cell in row.cells if "\n" in cell.strip()):
        return list(_rows_one_by_one(text, delimiter))
    return rows


def _reader(lines: Iterable[str], delimiter: str) -> Any:
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter != "\t")


def _rows_one_by_one(text: str, delimiter: str) -> Iterator[Row]:
    """The same where a quotation mark is wrong somewhere: the lines around it are read nevertheless."""
    lines, at = io.StringIO(text, newline="").readlines(), 0
    while at < len(lines):
        most = at + 1
        while most < len(lines) and most - at < MOST_JOINED and "@" not in lines[most]:
            most += 1
        for end in range(at + 1, most + 1 if lines[at].count('"') % 2 else at + 2):
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
    """The one row that these lines are; None where they are none."""
    try:
        rows = list(_reader(lines, delimiter))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


# --- Columns --------------------------------------------------------------------------------------------------------


def _lines(rows: list[Row], known: set[str]) -> Table:
    """What the rows say, each by the header above it."""
    has_address = [any(_is_identity(cell, known) for cell in row.cells) for row in rows]
    begin = _first_header(rows, has_address)
    lines: list[Line] = []
    left_out = [row.number for row in rows[: begin or 0]]
    ignored: list[str] = []
    columns: dict[str, list[str]] = {}
    for header, body in _parts(rows, has_address, begin):
        if header is None:
            layout = _layout_of(body, known)
        else:
            layout = _layout(header, body, known)
            said = [" ".join(cell.split()) for cell in header.cells]
            used = {index for indexes in layout.used.values() for index in indexes}
            ignored += [cell for index, cell in enumerate(said) if cell and index not in used and cell not in ignored]
            for name, indexes in layout.used.items():
                columns.setdefault(name, [said[index] for index in indexes if index < len(said)])
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
    """(header, rows below it). Two lists that were put together have two headers."""
    header, first = (None, 0) if begin is None else (rows[begin], begin + 1)
    body: list[Row] = []
    for index in range(first, len(rows)):
        row = rows[index]
        if not has_address[index] and _is_another_header(row, header):
            yield header, body
            header, body = row, []
        else:
            body.append(row)
    yield header, body


def _first_header(rows: list[Row], has_address: list[bool]) -> int | None:
    """The index of the row that names the columns: of those above the first address the one with most to say."""
    first = next((index for index, has_one in enumerate(has_address) if has_one), None)
    above = rows[:HEAD] if first is None else rows[: min(first, HEAD)]
    width = _width(rows[first]) if first is not None else max((_width(row) for row in above), default=0)
    best, found = 0, None
    for index, row in enumerate(above):
        roles = {meaning.role for cell in row.cells if (meaning := meaning_of(cell))}
        if "email" not in roles and (not roles - {"reading", "number", "romanised"} or 2 * _width(row) <= width):
            continue
        score = 100 * ("email" in roles) + 10 * ("login" in roles) + len(roles)
        if score > best:
            best, found = score, index
    return found


def _is_another_header(row: Row, header: Row | None) -> bool:
    if header is not None and [plain(cell) for cell in row.cells] == [plain(cell) for cell in header.cells]:
        return True
    roles = [meaning.role for cell in row.cells if (meaning := meaning_of(cell))]
    return "email" in roles and len(roles) > 1


def _width(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)


def _layout(header: Row, body: list[Row], known: set[str]) -> Layout:
    """By the header, and for the address by what the columns hold. Raises Unreadable."""
    meanings = [meaning_of(cell) for cell in header.cells]
    email = _email_column(header, meanings, body, known)

    def find(role: str, *, but: int | None = None) -> int | None:
        found = [
            (meaning.rank, index)
            for index, meaning in enumerate(meanings)
            if meaning and meaning.role == role and index not in (email, but)
        ]
        return min(found)[1] if found else None

    name, given, family = find("name"), find("given"), find("family")
    if name is None and given is None and family is None:
        name = find("romanised")
        if name is None and (login := find("login")) is not None:
            name = login if plain(header.cells[login]) in USER_NAMES else None
    elif name is not None and given is not None and family is None and not _holds(name, given, body):
        name, family = None, name  # `Name; Vorname`
    elif name is not None and given is None and family is not None and not _holds(name, family, body):
        name, given = None, name  # `Name; Surname`
    if name is not None:
        given = family = None
    middle = find("middle") if given is not None and family is not None else None
    team = find("team")
    return Layout(email, team, name, given, middle, family, tuple(header.cells))


def _email_column(header: Row, meanings: list[Meaning | None], body: list[Row], known: set[str]) -> int:
    width = max([len(header.cells), *(len(row.cells) for row in body)])
    counts = [sum(_is_identity(row.cell(index), known) for row in body) for index in range(width)]
    most = max(counts, default=0)
    ranked = [
        (meaning.rank + (10 if meaning.role == "login" else 0), index)
        for index, meaning in enumerate(meanings)
        if meaning and meaning.role in ("email", "login")
    ]
    holding = [(rank, index) for rank, index in ranked if counts[index] and 2 * counts[index] >= most]
    if holding:
        return min(holding)[1]
    if any(counts[index] for _, index in ranked):
        return max(ranked, key=lambda each: counts[each[1]])[1]
    others = {index for index, meaning in enumerate(meanings) if meaning and meaning.role == "others"}
    unnamed = [index for index in range(width) if 2 * counts[index] >= max(1, len(body)) and index not in others]
    if unnamed:
        found_at = max(unnamed, key=lambda index: counts[index])
        if ranked and found_at >= len(header.cells):
            words = gettext(
                "The lines have more columns than the header on line %(number)d. If names contain a comma, put them in"
                ' quotation marks: "Sato, Hana".'
            )
            raise Unreadable(words % {"number": header.number})
        return found_at
    named = [(rank, index) for rank, index in ranked if meanings[index] and rank < 10]
    if named:
        return min(named)[1]
    found = ", ".join(" ".join(cell.split()) for cell in header.cells if cell.strip())
    words = gettext(
        "The header on line %(number)d names no column with e-mail addresses, only %(found)s: call that column “email”."
    )
    raise Unreadable(words % {"number": header.number, "found": found[:500]})


def _holds(name: int, part: int, body: list[Row]) -> bool:
    """Whether most names contain the part already."""
    both = [(row.cell(name).strip(), row.cell(part).strip()) for row in body]
    full = [some in whole for whole, some in both if whole and some]
    return 2 * sum(full) > len(full)


def _layout_of(body: list[Row], known: set[str]) -> Layout:
    """Without a header: e-mail, name, team. Where the addresses are not in the first column, the name is the first text
    that is neither a number nor a reading of another."""
    width = max(len(row.cells) for row in body)
    counts = [sum(_is_identity(row.cell(index), known) for row in body) for index in range(width)]
    if not any(counts) or 2 * counts[0] >= max(counts):
        return Layout(0, 2, 1)
    email = counts.index(max(counts))
    others = [index for index in range(width) if index != email and any(row.cell(index).strip() for row in body)]
    texts = [index for index in others if not _all(NUMBER, index, body)]
    names = [index for index in texts if not _all(READING, index, body)] or texts
    name = names[0] if names else None
    after = [index for index in others if name is not None and index > max(email, name)]
    return Layout(email, after[0] if after else None, name)


def _all(pattern: re.Pattern[str], index: int, body: list[Row]) -> bool:
    texts = [unicodedata.normalize("NFKC", row.cell(index)).strip() for row in body]
    return all(pattern.fullmatch(text) for text in texts if text)


# --- Students -------------------------------------------------------------------------------------------------------


def _line(row: Row, layout: Layout, known: set[str]) -> Line | None:
    """The student of a row; None where it is about none."""
    cell = row.cell(layout.email)
    email, named = address_of(cell)
    if _is_known(cell, known):
        email, named = original(cell.strip()), ""
    name, team = _name(row, layout), name_of(row.cell(layout.team))
    if is_marked(cell) and is_marked(name):
        name = without_mark(name)
    if layout.header and name.lower() in NOBODY and not is_address(cell):
        return None
    if not (email or name or cell.strip()):
        return None
    line = Line(row.number, email, name or named, team)
    if row.is_torn:
        line.problem = gettext("A quotation mark is not closed or stands inside a text.")
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
        return (f"{family}{given}" if HANGUL.fullmatch(family + given) else f"{family} {given}")[: LONGEST["name"] + 1]
    is_family_first = _as_listed(layout)
    return " ".join(part for part in ((family, given, middle) if is_family_first else (given, middle, family)) if part)


def _as_listed(layout: Layout) -> bool:
    """Names in Latin letters below 姓 and 名 stand in the order of the list; below English headers as in English."""
    if layout.given is None or layout.family is None:
        return False
    headers = [layout.header[index] for index in (layout.family, layout.given) if index < len(layout.header)]
    return layout.family < layout.given and any(CJK.search(header) for header in headers)


def _is_identity(cell: str, known: set[str]) -> bool:
    return is_address(cell) or _is_known(cell, known)


def _is_known(cell: str, known: set[str]) -> bool:
    return bool(known) and email_key(original(cell.strip())) in known


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
        text = getattr(line, column)
        if len(text) > LONGEST[column]:
            words = gettext("The %(column)s is longer than %(most)d characters.")
            return words % {"column": _label(column), "most": LONGEST[column]}
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
            return gettext("The %(column)s contains a line break or a control character.") % {"column": _label(column)}
        if BROKEN in text:
            return gettext("The %(column)s contains a character that could not be read.") % {"column": _label(column)}
    try:
        validate_address(line.email)
    except ValidationError:
        if email_key(line.email) not in known:
            return gettext("“%(text)s” is not an e-mail address.") % {"text": line.email}
    return ""


def _label(column: str) -> str:
    return {"email": gettext("e-mail"), "name": gettext("name"), "team": gettext("team")}[column]
