"""The screen of a terminal, of any width and length: what a text shows that moves, overwrites and erases."""

import re
import unicodedata
from itertools import groupby

from lms.notebooks.terminal_styles import CODE, MAX_CODES, PLAIN, Piece, Style, number_of, painted, styled

MAX_WORK = 2_000_000  # cells moved, erased or filled beyond those that were written
MAX_JUMP = 500  # rows below the last one that a program may move to
TAB = 8

ANY_CODE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
MOVES = re.compile(r"[\r\b]|(?:\x1b\[|\x9b)[0-9;]*[A-HJKPXdfsu`]|\x1b[78DEMc]")
ONE_COLUMN_AND_RETURNS = re.compile(r"[ -~\r]*")
MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\u200b-\u200f\ufe00-\ufe0f\ufe20-\ufe2f"
CHARACTERS = re.compile(f"[^{MARKS}][{MARKS}]{{0,8}}|[{MARKS}]")


class _Cells:
    """A row with one entry for each column. The second column of a wide character is empty."""

    __slots__ = ("has_wide", "shown", "styles")

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.styles: list[Style] = []
        self.has_wide = False

    def put(self, at: int, characters: list[str], style: Style) -> None:
        end = at + len(characters)
        if self.has_wide:
            self.free(at)
            self.free(end)
        self.has_wide = self.has_wide or "" in characters
        self.shown[at:end] = characters
        self.styles[at:end] = [style] * len(characters)

    def free(self, at: int) -> None:
        """Replace a wide character that is cut in two by blanks."""
        if 0 < at < len(self.shown) and not self.shown[at]:
            self.shown[at - 1] = self.shown[at] = " "

    def cut(self, at: int) -> None:
        self.free(at)
        del self.shown[at:], self.styles[at:]

    def pieces(self) -> list[Piece]:
        """Return the pieces of the row without trailing blanks, which were erased."""
        shown, styles = self.shown, self.styles
        if not styles or styles.count(styles[0]) == len(styles):
            return [(styles[0], "".join(shown).rstrip(" "))] if styles else []
        pairs = groupby(zip(styles, shown, strict=True), key=lambda pair: pair[0])
        found = [(style, "".join(text for _, text in same)) for style, same in pairs]
        while found and not (end := found[-1][1].rstrip(" ")):
            found.pop()
        return [*found[:-1], (found[-1][0], end)] if found else []


class Screen:
    def __init__(self) -> None:
        self.rows: list[_Cells | list[Piece]] = []  # pieces, until something moves in the row
        self.row = self.column = 0
        self.saved = (0, 0)
        self.style = PLAIN
        self.work = MAX_WORK

    def write(self, text: str) -> None:
        for number, line in enumerate(text.split("\n")):
            if number:
                self.row, self.column = self.row + 1, 0
            if self.row == len(self.rows) and not self.column:
                self._write_new_line(line)
            elif line:
                self._write_line(line)
            else:
                self._reach(self.row)

    def pieces(self) -> list[Piece]:
        """Return the pieces of all rows. A line end has the style of the text after it, so that a coloured text stays
        one piece."""
        found: list[Piece] = []
        for number, row in enumerate(self.rows):
            pieces = row.pieces() if isinstance(row, _Cells) else [piece for piece in row if piece[1]]
            if number:
                goes_on = pieces and found and found[-1][0] == pieces[0][0]
                found.append((pieces[0][0] if goes_on else PLAIN, "\n"))
            found += pieces
        return found

    def _write_new_line(self, line: str) -> None:
        """Write a line to a new row without splitting it into columns, which would only cost time."""
        if not ANY_CODE.search(line):
            self.rows.append([(self.style, line)])
        elif not MOVES.search(line):
            pieces, self.style = painted(line, self.style)
            self.rows.append(pieces)
        elif ONE_COLUMN_AND_RETURNS.fullmatch(line):
            self.rows.append([(self.style, _overlaid(line.split("\r")).rstrip(" "))])
        else:
            self._write_line(line)

    def _write_line(self, line: str) -> None:
        self._reach(self.row)
        start = 0
        for found in CODE.finditer(line):
            self._put(line[start : found.start()])
            start = found.end()
            self._obey(found)
        self._put(line[start:])

    def _obey(self, found: re.Match[str]) -> None:
        control, escape, final = found["control"], found["escape"], found["final"]
        if control == "\r":
            self.column = 0
        elif control == "\b":
            self.column = max(0, self.column - 1)
        elif control == "\t":
            self.column += TAB - self.column % TAB
        elif final == "m":
            self.style = styled(found["codes"], self.style)
        elif self.work <= 0:
            return
        elif escape:
            self._escape(escape)
        elif final:
            self._move(final, found["codes"])

    def _escape(self, escape: str) -> None:
        if escape == "7":
            self.saved = (self.row, self.column)
        elif escape == "8":
            self._go(*self.saved)
        elif escape == "M":
            self._go(self.row - 1, self.column)
        elif escape == "D":
            self._go(self.row + 1, self.column)
        elif escape == "E":
            self._go(self.row + 1, 0)
        elif escape == "c":
            self._clear()
            self._go(0, 0)

    def _move(self, final: str, codes: str) -> None:
        if codes[:1] in ("<", "=", ">", "?"):
            return
        numbers = [number_of(each, 0) for each in codes.split(";")[:MAX_CODES]]
        mode, by = numbers[0], max(1, numbers[0])
        row, column, last = self.row, self.column, len(self.rows) - 1
        if final in "AF":
            self._go(row - by, column if final == "A" else 0)
        elif final in "BE":
            self._go(min(row + by, max(row, last)), column if final == "B" else 0)
        elif final == "C":
            self._go(row, column + by)
        elif final == "D":
            self._go(row, column - by)
        elif final in "G`":
            self._go(row, by - 1)
        elif final == "d":
            self._go(by - 1, column)
        elif final in "Hf":
            self._go(by - 1, max(1, numbers[1] if len(numbers) > 1 else 1) - 1)
        elif final == "s":
            self.saved = (row, column)
        elif final == "u":
            self._go(*self.saved)
        elif final in "KXP":
            self._erase_in_row(final, mode, by)
        elif final == "J":
            self._erase_rows(mode)

    def _erase_in_row(self, final: str, mode: int, by: int) -> None:
        cells, at = self._cells(), self.column
        if final == "P":
            cells.free(at)
            cells.free(at + by)
            del cells.shown[at : at + by], cells.styles[at : at + by]
            self.work -= len(cells.shown) + 1
        elif final == "X":
            self._blank(at, at + by)
        elif mode == 0:
            cells.cut(at)
        elif mode == 1:
            self._blank(0, at + 1)
        else:
            cells.cut(0)

    def _blank(self, start: int, end: int) -> None:
        cells = self._cells()
        end = min(end, len(cells.shown))
        if end > start:
            cells.put(start, [" "] * (end - start), PLAIN)
            self.work -= end - start

    def _erase_rows(self, mode: int) -> None:
        if mode == 0:
            self._cells().cut(self.column)
            del self.rows[self.row + 1 :]
        elif mode == 1:
            self.rows[: self.row] = [[] for _ in range(self.row)]
            self.work -= self.row
            self._blank(0, self.column + 1)
        else:
            self._clear()

    def _clear(self) -> None:
        """Clear the screen. The next text is written to the first row."""
        self.rows, self.row = [[]], 0

    def _go(self, row: int, column: int) -> None:
        self.row = max(0, min(row, len(self.rows) - 1 + MAX_JUMP))
        self.work -= max(0, self.row - len(self.rows))
        self._reach(self.row)
        self.column = max(0, column)

    def _reach(self, row: int) -> None:
        while len(self.rows) <= row:
            self.rows.append([])

    def _cells(self) -> _Cells:
        """Return the current row with one entry for each column."""
        found = self.rows[self.row]
        if isinstance(found, _Cells):
            return found
        cells = _Cells()
        for style, text in found:
            for part in re.split(r"(\t)", text):
                characters = [" "] * (TAB - len(cells.shown) % TAB) if part == "\t" else _characters(part)
                cells.put(len(cells.shown), characters, style)
        self.rows[self.row] = cells
        return cells

    def _put(self, text: str) -> None:
        if not text:
            return
        cells, characters = self._cells(), _characters(text)
        if self.column > len(cells.shown):
            gap = min(self.column - len(cells.shown), max(0, self.work))
            self.work -= gap
            cells.put(len(cells.shown), [" "] * gap, PLAIN)
            self.column = len(cells.shown)
        cells.put(self.column, characters, self.style)
        self.column += len(characters)


def _overlaid(texts: list[str]) -> str:
    """Return the visible text of overlapping texts that each start at the beginning of the row, the last one on top."""
    shown = ""
    for text in reversed(texts):
        shown += text[len(shown) :]
    return shown


def _characters(text: str) -> list[str]:
    """Return one entry for each column: combining marks join the character before them, wide characters take two."""
    if text.isascii():
        return list(text)
    found = CHARACTERS.findall(text)
    wide = {each for each in set(found) if unicodedata.east_asian_width(each[0]) in "WF"}
    if not wide:
        return found
    columns: list[str] = []
    for each in found:
        columns.append(each)
        if each in wide:
            columns.append("")
    return columns
