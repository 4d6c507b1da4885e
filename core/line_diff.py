"""Line-by-line differences of two texts. Quadratic in the lines that differ, so callers must limit their number."""

from collections.abc import Sequence
from difflib import SequenceMatcher

MarkedLine = tuple[str, str]  # (mark, text); the mark is "+", "-" or " "


def lines_in(text: str) -> list[str]:
    """Return the lines of a text, whatever its line endings and whether or not the last line ends with one.

    Trailing blanks of lines are significant. An empty text has no lines.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    return lines.split("\n") if lines else []


def marked_lines(before: Sequence[str], after: Sequence[str]) -> list[MarkedLine]:
    """Return the lines of both texts in order. Where lines were replaced, removed lines come before added ones."""
    found: list[MarkedLine] = []
    for what, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            found += [(" ", line) for line in before[i:j]]
        else:
            found += [("-", line) for line in before[i:j]] + [("+", line) for line in after[k:m]]
    return found
