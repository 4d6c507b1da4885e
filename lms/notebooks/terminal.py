r"""A terminal emulator: returns the text that a terminal finally shows. Pure, bounded, never raises.

Programs that report progress write every state: `\r 50%\r100%`, backspaces, "up one line, erase it". `pieces_of`
returns the final state, of a screen of any width and length. Colours become one of sixteen names, which follow the
theme of a page; links (OSC 8) become their text; all other codes are dropped.

The codes are those of ECMA-48 and xterm (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). Time and memory are
linear in the text: further work for erasing and moving is counted, and after MAX_WORK of it, moves are ignored.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from lms.notebooks.terminal_screen import ANY_CODE, MOVES, Screen
from lms.notebooks.terminal_styles import PLAIN, Piece, codes_of, painted

LINE_ENDS = re.compile(r"\r*\n|[\x0b\x0c]")


def pieces_of(text: str | None) -> list[Piece]:
    """Return the final text in pieces of one style; lines end in `\\n`. NUL is shown as U+FFFD."""
    text = LINE_ENDS.sub("\n", (text or "").replace("\0", "\N{REPLACEMENT CHARACTER}"))
    if not ANY_CODE.search(text):
        return [(PLAIN, text)] if text else []
    if not MOVES.search(text):
        return list(_merged(painted(text, PLAIN)[0]))
    screen = Screen()
    screen.write(text)
    return list(_merged(screen.pieces()))


def plain(text: str | None) -> str:
    """Return the final text without styles."""
    return "".join(piece for _, piece in pieces_of(text))


def settled(text: str | None, *, maximum: int | None = None) -> str:
    """Return the final text with the codes of sixteen colours and bold only, cut after `maximum` characters with an
    ellipsis."""
    found: list[str] = []
    left = maximum
    for style, piece in pieces_of(text):
        shown = piece if left is None else piece[:left]
        codes = codes_of(style)
        found.append(f"\x1b[{codes}m{shown}\x1b[0m" if codes and shown else shown)
        if left is not None and len(piece) > left:
            found.append("\n…")
            break
        left = None if left is None else left - len(piece)
    return "".join(found)


def _merged(pieces: list[Piece]) -> Iterator[Piece]:
    for style, same in groupby((piece for piece in pieces if piece[1]), key=lambda piece: piece[0]):
        yield style, "".join(text for _, text in same)
