"""Program output as HTML, as a terminal would finally show it (lms.notebooks.terminal), with colours as spans.

Each span carries class names only, so the strict content policy holds and the colours follow the theme.
"""

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from lms.notebooks import terminal
from lms.notebooks.terminal_styles import CODE, Style

CONTROL = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]")


def to_html(text: str | None) -> SafeString:
    """Return program output as HTML."""
    parts = []
    for style, piece in terminal.pieces_of(text):
        classes, shown = _classes(style), escape(piece)
        parts.append(f'<span class="{classes}">{shown}</span>' if classes else shown)
    return mark_safe("".join(parts))  # noqa: S308 - every piece is escaped, and the classes are constants


def code_to_html(text: str | None) -> SafeString:
    """Return code as HTML: control sequences and colours are removed, line ends are normalized."""
    return escape(plain_code(text))


def plain_code(text: str | None) -> str:
    """Return code without control sequences and colours, its line ends normalized; not escaped."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return CONTROL.sub("", CODE.sub(_tab_or_nothing, lines))


def plain(text: str | None) -> str:
    """Return program output without colours; not escaped."""
    return terminal.plain(text)


def _tab_or_nothing(found: re.Match[str]) -> str:
    return "\t" if found["control"] == "\t" else ""


def _classes(style: Style) -> str:
    named = [f"ansi-{style.colour}"] if style.colour is not None else []
    return " ".join([*named, "ansi-bold"] if style.is_bold else named)
