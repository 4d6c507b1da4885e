"""Reads a list of who sits where: a seat and a student on each line, from a spreadsheet or typed. Stores nothing.

    seat                  a label of the room; the column by its header, else the one that holds most labels
    student               by address, student number, or name or reading; several of them have to agree
    any usual delimiter   the one with which most lines have a seat; without any the first blank

Namesakes are told apart by their number or address. Every line is returned, with its problem if it has one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext

from core.identity import display_name, email_key, label_key, number_form
from core.kana_order import reading_key
from lms.rosters.cells import address_of, is_address, name_of, without_mark
from lms.rosters.headers import meaning_of, plain
from lms.rosters.parser import MAX_BYTES, too_large
from lms.rosters.rows import DELIMITERS, Row, Unreadable, refuse_wide, rows_of

MAX_LINES = 1000
WORDS = """seat | seats | seat number | seat no | seat label | seat id | desk | place | position | pc | pc number | 席
    | 座席 | 座席番号 | 席番号 | 座席名 | 席名 | 机 | 机番号 | 端末 | 端末番号 | 좌석 | 좌석 번호 | 座位 | 座位号
    | 座號 | sitz | sitzplatz | platz | siège | asiento | posto"""
SEAT_WORDS = {plain(word) for word in WORDS.split("|")}
# By the role of a header (`lms.rosters.headers`): how a cell names a student.
KINDS = {
    "email": "email",
    "login": "email",
    "student number": "number",
    "name": "name",
    "romanised": "name",
    "reading": "name",
    "given": "given",
    "family": "family",
}


@dataclass(frozen=True, slots=True)
class Classmate:
    """A student of the class, as a list may name them."""

    student_id: int
    name: str
    email: str
    student_number: str = ""
    reading: str = ""

    @property
    def shown(self) -> str:
        return display_name(self.name, self.email)


@dataclass(slots=True)
class SeatLine:
    number: int  # as an editor counts, from 1
    cells: list[str]
    label: str = ""  # as the room writes it
    student: Classmate | None = None
    problem: str = ""


@dataclass(frozen=True)
class SeatTable:
    lines: list[SeatLine]
    header: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)  # headers of columns that are not used

    @property
    def good(self) -> list[SeatLine]:
        return [line for line in self.lines if not line.problem and line.student]

    @property
    def bad(self) -> list[SeatLine]:
        return [line for line in self.lines if line.problem]

    @property
    def empty(self) -> list[SeatLine]:
        """The seats that the list leaves empty."""
        return [line for line in self.lines if not line.problem and not line.student]

    def rest(self) -> str:
        """Return the lines with a problem as a list of their own, to be corrected."""
        rows = [self.header, *(line.cells for line in self.bad)] if self.header else [line.cells for line in self.bad]
        return "\n".join("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row) for row in rows)


def read_seats(text: str, *, labels: Iterable[str], classmates: Sequence[Classmate]) -> SeatTable:
    """Parse a list for a room with these seats. Raises Unreadable if it is none at all."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise Unreadable(too_large())
    seats = {label_key(label): label for label in labels}
    if not seats:
        raise Unreadable(gettext("The room has no seats yet. Make them first."))
    rows = _rows(text.removeprefix("\ufeff"), seats)
    if not rows:
        raise Unreadable(gettext("The list is empty. Paste at least one line with a seat and a student."))
    if len(rows) > MAX_LINES:
        raise Unreadable(gettext("More than %(most)d lines. Import the list in parts.") % {"most": MAX_LINES})
    refuse_wide(rows)
    begin = _header(rows, seats)
    header = rows[begin] if begin is not None else None
    body = rows if begin is None else rows[begin + 1 :]
    column = _seat_column(header, body, seats)
    kinds = _kinds(header, column)
    found = People(classmates)
    lines = [_line(row, column, kinds, seats, found) for row in body]
    _check_twice(lines)
    titles = header.cells if header else []
    ignored = [
        cell.strip() for index, cell in enumerate(titles) if cell.strip() and index != column and index not in kinds
    ]
    return SeatTable(lines, list(titles), ignored if header else [])


# --- Rows and columns -----------------------------------------------------------------------------------------------


def _rows(text: str, seats: Mapping[str, str]) -> list[Row]:
    """Split by the delimiter with which most lines have a seat among their cells."""
    choices = [rows_of(text, delimiter) for delimiter in DELIMITERS if delimiter in text]
    blank = [Row(number, line.split(None, 1)) for number, line in enumerate(text.splitlines(), 1) if line.strip()]

    def fit(rows: list[Row]) -> int:
        return sum(len(row.cells) > 1 and any(label_key(cell) in seats for cell in row.cells) for row in rows)

    best = max([*choices, blank], key=fit)
    return best if fit(best) else (choices or [rows_of(text, ",")])[0]


def _header(rows: list[Row], seats: Mapping[str, str]) -> int | None:
    """Return the index of the line of headers: above the first seat, with a word for a seat or two for students."""
    for index, row in enumerate(rows[:10]):
        if any(plain(cell) in SEAT_WORDS for cell in row.cells):
            return index
        if any(label_key(cell) in seats for cell in row.cells):
            return None
        if len([cell for cell in row.cells if (meaning := meaning_of(cell)) and meaning.role in KINDS]) > 1:
            return index
    return None


def _seat_column(header: Row | None, body: list[Row], seats: Mapping[str, str]) -> int:
    width = max((len(row.cells) for row in body), default=0)
    counts = [sum(label_key(row.cell(index)) in seats for row in body) for index in range(width)]
    if header is not None:
        named = [index for index, cell in enumerate(header.cells) if plain(cell) in SEAT_WORDS]
        if named:
            return named[0]
    return counts.index(max(counts)) if counts else 0


def _kinds(header: Row | None, seat: int) -> dict[int, str]:
    """Return how the cells of each column name a student; nothing for columns that do not, and without a header."""
    if header is None:
        return {}
    found = {}
    for index, cell in enumerate(header.cells):
        meaning = meaning_of(cell)
        if index != seat and meaning is not None and meaning.role in KINDS:
            found[index] = KINDS[meaning.role]
    return found


# --- Students -------------------------------------------------------------------------------------------------------


def _name_key(text: str) -> str:
    return "".join(label_key(text).split())


def _reading_key(text: str) -> str:
    """Return the key of a reading in hiragana or katakana; no name has it."""
    return "\x1f" + "".join(reading_key(text).split())


class People:
    """The students of a class by address, number and name."""

    def __init__(self, classmates: Sequence[Classmate]) -> None:
        self._by: dict[str, dict[str, list[Classmate]]] = {
            kind: defaultdict(list) for kind in ("email", "number", "name")
        }
        for one in classmates:
            self._by["email"][email_key(one.email)].append(one)
            if one.student_number:
                self._by["number"][label_key(number_form(one.student_number))].append(one)
            keys = {_name_key(text) for text in (one.name, one.shown) if text}
            keys |= {_reading_key(one.reading)} if one.reading else set()
            for key in keys:
                self._by["name"][key].append(one)

    def named(self, kind: str, text: str) -> list[Classmate]:
        known = self._by[kind]
        if kind == "email":
            return known.get(email_key(address_of(text)[0]), [])
        if kind == "number":
            return known.get(label_key(number_form(without_mark(text))), [])
        return known.get(_name_key(text)) or known.get(_reading_key(text), [])

    def one(self, text: str) -> tuple[Classmate | None, str]:
        """Return the student whom a text names, or the problem."""
        return _student([(self.kind_of(text), text)], self)

    def kind_of(self, cell: str) -> str:
        """Return how a cell without a header names a student."""
        if is_address(cell) or self.named("email", cell):
            return "email"
        return "number" if self.named("number", cell) or cell.strip().isdecimal() else "name"


def _line(row: Row, column: int, kinds: Mapping[int, str], seats: Mapping[str, str], people: People) -> SeatLine:
    line = SeatLine(row.number, [cell.strip() for cell in row.cells])
    cells = _cells(row, column, kinds, people)
    typed = name_of(row.cell(column))
    label = seats.get(label_key(typed))
    if not typed:
        line.problem = gettext("The seat is missing.")
    elif label is None:
        line.problem = gettext("There is no seat “%(text)s” in this room.") % {"text": typed}
    else:
        line.label = label
        line.student, line.problem = _student(cells, people)
    return line


def _cells(row: Row, column: int, kinds: Mapping[int, str], people: People) -> list[tuple[str, str]]:
    """Return what the line says of the student: (kind, text)."""
    written = [(index, name_of(cell)) for index, cell in enumerate(row.cells) if index != column]
    filled = [(index, text) for index, text in written if text]
    if not kinds:
        return [(people.kind_of(text), text) for _, text in filled]
    found = [(kinds[index], text) for index, text in filled if kinds.get(index) in ("email", "number", "name")]
    parts = {kinds[index]: text for index, text in filled if kinds.get(index) in ("family", "given")}
    if parts:
        both = [parts.get("family", ""), parts.get("given", "")]
        whole = " ".join(both if people.named("name", " ".join(both)) else both[::-1])
        found.append(("name", whole.strip()))
    return found


def _student(cells: Collection[tuple[str, str]], people: People) -> tuple[Classmate | None, str]:
    """Return the student whom all cells name, or the problem. Without cells neither."""
    if not cells:
        return None, ""
    left: list[Classmate] | None = None
    for kind, text in cells:
        named = people.named(kind, text)
        if not named:
            return None, _unknown(kind, text)
        before = left
        left = named if left is None else [one for one in left if one in named]
        if not left:
            return None, gettext("“%(first)s” and “%(second)s” are two different students.") % {
                "first": next(iter(cells))[1] if before else "",
                "second": text,
            }
    assert left is not None
    if len({one.student_id for one in left}) == 1:
        return left[0], ""
    told = ", ".join(sorted({one.student_number or one.email for one in left}))
    words = gettext("%(count)d students are “%(text)s”: write the student number or address (%(told)s) as well.")
    return None, words % {"count": len(left), "text": next(iter(cells))[1], "told": told}


def _unknown(kind: str, text: str) -> str:
    return {
        "email": gettext("Nobody in this class has the address “%(text)s”."),
        "number": gettext("Nobody in this class has the number “%(text)s”."),
        "name": gettext("Nobody in this class is called “%(text)s”."),
    }[kind] % {"text": text}


def _check_twice(lines: Iterable[SeatLine]) -> None:
    seats: dict[str, int] = {}
    students: dict[int, int] = {}
    for line in lines:
        if line.problem or not line.label:
            continue
        first = seats.setdefault(line.label, line.number)
        if first != line.number:
            line.problem = gettext("The same seat is on line %(number)d.") % {"number": first}
        elif line.student:
            first = students.setdefault(line.student.student_id, line.number)
            if first != line.number:
                line.problem = gettext("The same student is on line %(number)d.") % {"number": first}
