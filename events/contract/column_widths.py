"""How much of a text or a number the columns hold that events fill, and how what is too long is cut.

A record with one label too long is stored with the label cut, because the run matters more than the label. The widths
are those of the models; tests/events/test_widths.py holds them together. Source: docs/contract/events.md section 1.3.
"""

import hashlib
from collections import Counter

TYPE, NAME, TEAM, CELL_TYPE = 100, 255, 255, 32  # characters of labels
EVENT_ID, SESSION, CELL, PATH = 255, 255, 255, 1024  # characters of what identifies
PATH_BYTES = 2000  # of UTF-8: a row of PostgreSQL's index holds 2,704
SHORT_PATH = PATH_BYTES // 4  # characters that fit in any case
INT_MAX = 2**31 - 1
LONGEST_RUN = 366 * 24 * 3600 * 1000.0  # ms; what is longer is a moment, or nonsense, and no duration
MARK = "…"
DIGITS = 16  # of the hash that tells apart what was cut

Cut = Counter[str] | None  # the wire names of what was cut, counted for whoever sent it


def label(text: str, width: int, name: str, cut: Cut) -> str:
    """Return the beginning of a text that is too long, and a mark."""
    note(name, cut)
    return text[: width - len(MARK)] + MARK


def identity(text: str, width: int, name: str, cut: Cut) -> str:
    """Return the beginning of a text that is too long, a mark and a hash of all of it: two that begin alike stay two,
    and one that comes again is the same again."""
    note(name, cut)
    suffix = _suffix(text)
    return text[: width - len(suffix)] + suffix


def path(text: str, name: str, cut: Cut) -> str:
    """Return the path; one that is too long, in characters or bytes, cut as an identity."""
    if len(text) <= PATH and len(text.encode()) <= PATH_BYTES:
        return text
    note(name, cut)
    suffix = _suffix(text)
    beginning = text[: PATH - len(suffix)].encode()[: PATH_BYTES - len(suffix.encode())]
    return beginning.decode(errors="ignore") + suffix


def whole(number: int | None, name: str, cut: Cut) -> int | None:
    """Return the number, or the nearest that a column holds."""
    if number is None or -INT_MAX <= number <= INT_MAX:
        return number
    note(name, cut)
    return INT_MAX if number > 0 else -INT_MAX


def note(name: str, cut: Cut) -> None:
    if cut is not None:
        cut[name] += 1


def _suffix(text: str) -> str:
    return MARK + hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
