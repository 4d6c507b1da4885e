"""The columns of a list of students: finds the header row and the role of each column."""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext

from lms.rosters.encodings import HEAD
from lms.rosters.headers import Meaning, meaning_of, plain
from lms.rosters.rows import Row, Unreadable, is_identity

# Login columns that are used as the name if a list has no names: they contain names chosen by the users.
USER_NAMES = {plain(word) for word in ("username", "user name", "ユーザー名", "ユーザ名", "사용자명", "用户名")}
READING = re.compile(r"[\u3040-\u30ff\uff66-\uff9f\s・]+")
NO_NAME = re.compile(r"[\d@/:#=]|^[^\w]*$")
# The roles of columns by which alone no row is told to be a header.
NO_NAMES = {"reading", "family reading", "given reading", "student number", "number", "romanised", "alternate"}
MAX_WORDS = 6  # of a name; a longer text is a remark
NUMBER = re.compile(r"[A-Za-z]{0,3}[-\d]*\d[-\d]*[A-Za-z]?")


@dataclass(frozen=True, slots=True)
class Layout:
    """The indexes of the columns. A name is one column, or its parts are several."""

    email: int
    team: int | None = None
    name: int | None = None
    given: int | None = None
    middle: int | None = None
    family: int | None = None
    header: tuple[str, ...] = ()
    number: int | None = None
    reading: tuple[int, ...] = ()  # one column, or those of the family and the given name

    @property
    def used(self) -> dict[str, list[int]]:
        parts = [index for index in (self.name, self.given, self.middle, self.family) if index is not None]
        found = {
            "email": [self.email],
            "name": sorted(parts),
            "reading": list(self.reading),
            "number": [] if self.number is None else [self.number],
            "team": [] if self.team is None else [self.team],
        }
        return {name: indexes for name, indexes in found.items() if indexes}


def first_header(rows: list[Row], has_address: list[bool]) -> int | None:
    """Return the index of the header row: of the rows above the first address, the one with the most known headers."""
    first = next((index for index, has_one in enumerate(has_address) if has_one), None)
    above = rows[:HEAD] if first is None else rows[: min(first, HEAD)]
    width = _width(rows[first]) if first is not None else max((_width(row) for row in above), default=0)
    best, found = 0, None
    for index, row in enumerate(above):
        roles = {meaning.role for cell in row.cells if (meaning := meaning_of(cell))}
        if "email" not in roles and (not roles - NO_NAMES or 2 * _width(row) <= width):
            continue
        score = 100 * ("email" in roles) + 10 * ("login" in roles) + len(roles)
        if score > best:
            best, found = score, index
    return found


def is_another_header(row: Row, header: Row | None) -> bool:
    if header is not None and [plain(cell) for cell in row.cells] == [plain(cell) for cell in header.cells]:
        return True
    roles = [meaning.role for cell in row.cells if (meaning := meaning_of(cell))]
    return "email" in roles and len(roles) > 1


def _width(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)


def layout_by_header(header: Row, body: list[Row], known: set[str]) -> Layout:
    """Return the layout by the header, and for the address also by the contents of columns. Raises Unreadable."""
    meanings = [meaning_of(cell) for cell in header.cells]
    email = _email_column(header, meanings, body, known)

    def find(role: str) -> int | None:
        found = [
            (meaning.rank, index)
            for index, meaning in enumerate(meanings)
            if meaning and meaning.role == role and index != email
        ]
        return min(found)[1] if found else None

    name, given, family = find("name"), find("given"), find("family")
    if name is None and given is None and family is None:
        name = find("romanised")
        if name is None and (login := find("login")) is not None:
            name = login if plain(header.cells[login]) in USER_NAMES else None
        if name is None:
            width = max([len(header.cells), *(len(row.cells) for row in body)])
            unknown = [index for index in range(width) if index >= len(meanings) or meanings[index] is None]
            names = [index for index in unknown if index != email and _holds_names(index, body)]
            name = names[0] if len(names) == 1 else None
    elif name is not None and given is not None and family is None and not _holds(name, given, body):
        name, family = None, name  # `Name; Vorname`
    elif name is not None and given is None and family is not None and not _holds(name, family, body):
        name, given = None, name  # `Name; Surname`
    if name is not None:
        given = family = None
    middle = find("middle") if given is not None and family is not None else None
    whole = find("reading")
    readings = [whole] if whole is not None else [find("family reading"), find("given reading")]
    return Layout(
        email=email,
        team=find("team"),
        name=name,
        given=given,
        middle=middle,
        family=family,
        header=tuple(header.cells),
        number=find("student number"),
        reading=tuple(index for index in readings if index is not None),
    )


def _email_column(header: Row, meanings: list[Meaning | None], body: list[Row], known: set[str]) -> int:
    width = max([len(header.cells), *(len(row.cells) for row in body)])
    counts = [sum(is_identity(row.cell(index), known) for row in body) for index in range(width)]
    highest = max(counts, default=0)
    ranked = [
        (meaning.rank + (10 if meaning.role == "login" else 0), index)
        for index, meaning in enumerate(meanings)
        if meaning and meaning.role in ("email", "login")
    ]
    holding = [(rank, index) for rank, index in ranked if counts[index] and 2 * counts[index] >= highest]
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


def _holds_names(index: int, body: list[Row]) -> bool:
    """Return whether a column with an unknown header holds names: words in most rows, without digits and addresses, and
    hardly any twice, unlike roles and courses."""
    texts = [text for row in body if (text := row.cell(index).strip())]
    names = [text for text in texts if len(text.split()) <= MAX_WORDS and not NO_NAME.search(text)]
    is_filled = len(texts) >= 2 and 2 * len(texts) > len(body)
    return is_filled and len(names) == len(texts) and 10 * len(set(texts)) >= 9 * len(texts)


def _holds(name: int, part: int, body: list[Row]) -> bool:
    """Return whether most names contain the part already."""
    both = [(row.cell(name).strip(), row.cell(part).strip()) for row in body]
    full = [some in whole for whole, some in both if whole and some]
    return 2 * sum(full) > len(full)


def layout_without_header(body: list[Row], known: set[str]) -> Layout:
    """Return the layout of a list without a header: e-mail, name, team. If the addresses are not in the first column,
    the name is the first text that is neither a number nor a reading."""
    width = max(len(row.cells) for row in body)
    counts = [sum(is_identity(row.cell(index), known) for row in body) for index in range(width)]
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
