"""What changed between two lists of lines. Pure; quadratic in the lines that differ, so callers say how many may."""

from collections.abc import Sequence
from difflib import SequenceMatcher

MarkedLine = tuple[str, str]  # (mark, text); the mark is "+", "-" or " "


def marked_lines(before: Sequence[str], after: Sequence[str]) -> list[MarkedLine]:
    """All lines of both, in order; where some were replaced, those that went stand before those that came."""
    found: list[MarkedLine] = []
    for what, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            found += [(" ", line) for line in before[i:j]]
        else:
            found += [("-", line) for line in before[i:j]] + [("+", line) for line in after[k:m]]
    return found
