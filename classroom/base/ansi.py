"""Texts of programs as HTML: what a terminal would show in the end (lms.notebooks.terminal), its colours as spans.

Each span carries class names only, so the strict content policy holds and the colours follow the theme.
"""

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from lms.notebooks import terminal
from lms.notebooks.terminal import Style

CONTROL = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]")


def to_html(text: str | None) -> SafeString:
    """What a program wrote."""
    parts = []
    for style, piece in terminal.pieces_of(text):
        classes, shown = _classes(style), escape(piece)
        parts.append(f'<span class="{classes}">{shown}</span>' if classes else shown)
    return mark_safe("".join(parts))  # noqa: S308 - every piece was escaped, every class is one of ours


def code_to_html(text: str | None) -> SafeString:
    """What a person wrote: nothing in it moves; its line ends are those of an editor, colours are dropped."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return escape(CONTROL.sub("", terminal.CODE.sub(_kept, lines)))


def plain(text: str | None) -> str:
    """What a program wrote without colours, for one line of a list; not escaped."""
    return terminal.plain(text)


def _kept(found: re.Match[str]) -> str:
    return "\t" if found["control"] == "\t" else ""


def _classes(style: Style) -> str:
    named = [f"ansi-{style.colour}"] if style.colour is not None else []
    return " ".join([*named, "ansi-bold"] if style.is_bold else named)
