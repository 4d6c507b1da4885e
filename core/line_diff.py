"""What changed between two texts, by lines. Pure; quadratic in the lines that differ, so callers say how many may."""

from collections.abc import Sequence
from difflib import SequenceMatcher

MarkedLine = tuple[str, str]  # (mark, text); the mark is "+", "-" or " "


def lines_in(text: str) -> list[str]:
    """The lines of a text as a person sees them, and by which two texts are the same: however their lines end (Windows,
    Unix, old Macs), and whether the last one does. Blanks at the ends of lines count: in Python they may be what was
    wrong. No lines for an empty text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    return lines.split("\n") if lines else []


def marked_lines(before: Sequence[str], after: Sequence[str]) -> list[MarkedLine]:
    """All lines of both, in order; where some were replaced, those that went stand before those that came."""
    found: list[MarkedLine] = []
    for what, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            found += [(" ", line) for line in before[i:j]]
        else:
            found += [("-", line) for line in before[i:j]] + [("+", line) for line in after[k:m]]
    return found
