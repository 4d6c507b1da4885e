"""Terminal output as HTML: colours become spans, everything else is escaped or dropped.

IPython paints tracebacks with SGR codes. Each span carries class names only, so the strict content policy holds and
the colours follow the theme.
"""

import re
from collections.abc import Iterator

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# CSI sequences (SGR among them), OSC sequences up to their terminator, and two-character escapes.
ESCAPES = re.compile(r"\x1b(?:\[([0-9;:?]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|\x1b")
BASE = {**{code: code - 30 for code in range(30, 38)}, **{code: code - 82 for code in range(90, 98)}}


def to_html(text: str | None) -> SafeString:
    parts = [
        f'<span class="{" ".join(classes)}">{piece}</span>' if classes else piece
        for classes, piece in _pieces((text or "").replace("\r\n", "\n"))
        if piece
    ]
    return mark_safe("".join(parts))  # noqa: S308 - every piece was escaped, every class is one of ours


def plain(text: str | None) -> str:
    """The same text without colours and control characters, for one line of a list; not escaped."""
    bare = ESCAPES.sub("", (text or "").replace("\r\n", "\n"))
    return CONTROL.sub("", bare).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _pieces(text: str) -> Iterator[tuple[list[str], str]]:
    colour: int | None = None
    bold = False
    start = 0
    for found in ESCAPES.finditer(text):
        yield _classes(colour, bold), _clean(text[start : found.start()])
        start = found.end()
        if found.group(2) == "m":
            colour, bold = _apply(found.group(1), colour, bold)
    yield _classes(colour, bold), _clean(text[start:])


def _apply(codes: str, colour: int | None, bold: bool) -> tuple[int | None, bool]:
    numbers = [int(code) if code.isascii() and code.isdigit() else 0 for code in re.split("[;:]", codes)[:32]]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            colour, bold = None, False
        elif code in (1, 22):
            bold = code == 1
        elif code in (38, 48):
            chosen = _extended(numbers)
            colour = chosen if code == 38 else colour
        elif code == 39:
            colour = None
        else:
            colour = BASE.get(code, colour)
    return colour, bold


def _extended(numbers: list[int]) -> int | None:
    """Takes the arguments of an extended colour: one of the first sixteen keeps its name, all others lose colour."""
    kind = numbers.pop(0) if numbers else 0
    taken = [numbers.pop(0) for _ in range({5: 1, 2: 3}.get(kind, 0)) if numbers]
    return taken[0] if kind == 5 and taken and taken[0] < 16 else None


def _classes(colour: int | None, bold: bool) -> list[str]:
    return ([f"ansi-{colour}"] if colour is not None else []) + (["ansi-bold"] if bold else [])


def _clean(text: str) -> str:
    return str(escape(CONTROL.sub("", text).replace("\0", "\N{REPLACEMENT CHARACTER}")))
