"""Colours and bold of a terminal: sixteen colours that follow the theme of a page; every other style is dropped."""

import re
from typing import NamedTuple

MAX_CODES = 32  # of one sequence
GREY = 48  # of 255: colours whose channels differ by less than this have no hue


class Style(NamedTuple):
    colour: int | None = None  # 0 to 15, as terminals number them
    is_bold: bool = False


PLAIN = Style()
Piece = tuple[Style, str]

# In this order: CSI; OSC, DCS, SOS, PM and APC up to their end, a line at most; other escapes; single controls.
CODE = re.compile(
    r"(?:\x1b\[|\x9b)(?P<codes>[0-?]*)(?P<final>[ -/]*[@-~])"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b(?P<escape>[ -/]*[0-~])"
    r"|(?P<control>[\x01-\x09\x0b-\x1f\x7f-\x9f])"
)


def painted(text: str, style: Style) -> tuple[list[Piece], Style]:
    """Return the pieces of a text without moves, and the style at its end."""
    pieces, start = [], 0
    for found in CODE.finditer(text):
        kept = "\t" if found["control"] == "\t" else ""
        pieces.append((style, text[start : found.start()] + kept))
        start = found.end()
        if found["final"] == "m":
            style = styled(found["codes"], style)
    pieces.append((style, text[start:]))
    return pieces, style


def codes_of(style: Style) -> str:
    codes = ["1"] if style.is_bold else []
    if style.colour is not None:
        codes.append(str(style.colour + (30 if style.colour < 8 else 82)))
    return ";".join(codes)


def styled(codes: str, style: Style) -> Style:
    """Return the style after `CSI codes m` (SGR)."""
    if codes[:1] in ("<", "=", ">", "?"):
        return style  # no SGR, in spite of the letter
    colour, is_bold = style
    waiting = codes.split(";")[:MAX_CODES]
    while waiting:
        first, *parts = (number_of(part) for part in waiting.pop(0).split(":"))
        if first == 0:
            colour, is_bold = None, False
        elif first in (1, 21, 22):
            is_bold = first == 1
        elif first in (38, 48, 58):  # extended colour of foreground, background, underline
            chosen = _extended(parts) if parts else _extended(_taken(waiting))
            colour = chosen if first == 38 else colour
        elif first == 39:
            colour = None
        elif 30 <= first <= 37:
            colour = first - 30
        elif 90 <= first <= 97:
            colour = first - 82
    return Style(colour, is_bold)


def number_of(text: str, default: int = 0) -> int:
    return int(text) if text.isdigit() and text.isascii() and len(text) < 10 else default


def _taken(waiting: list[str]) -> list[int]:
    """Remove the arguments of an extended colour from the list and return them."""
    length = {"5": 2, "2": 4}.get(waiting[0] if waiting else "", 1)
    taken = [number_of(each) for each in waiting[:length]]
    del waiting[:length]
    return taken


def _extended(parts: list[int]) -> int | None:
    """Return the colour nearest to `5;n`, or to `2;r;g;b`, which with colons may have a colour space before the red."""
    if len(parts) > 1 and parts[0] == 5:
        number = parts[1]
        if number < 16:
            return number
        if number > 231:
            return None
        red, green, blue = (0 if level == 0 else 55 + 40 * level for level in _levels(number - 16))
    elif len(parts) > 3 and parts[0] == 2:
        red, green, blue = parts[-3:]
    else:
        return None
    return _hue(red, green, blue)


def _levels(number: int) -> tuple[int, int, int]:
    return number // 36, number // 6 % 6, number % 6


def _hue(red: int, green: int, blue: int) -> int | None:
    """Return one of six colours; None for greys, which keep the text colour, readable on every background."""
    minimum, maximum = min(red, green, blue), max(red, green, blue)
    if maximum - minimum < GREY:
        return None
    middle = (minimum + maximum) / 2
    return (red > middle) + 2 * (green > middle) + 4 * (blue > middle)
