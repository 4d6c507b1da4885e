"""Widths of the columns that events fill, and cutting of values that are too long.

A record with a label that is too long is stored with the label cut, because the run matters more than the label. The
widths are those of the models (tests/events/contract/test_column_widths.py).
Source: docs/contract/events.md section 1.3.
"""

import hashlib
from collections import Counter

TYPE, NAME, TEAM, CELL_TYPE, VERSION = 100, 255, 255, 32, 60  # characters of labels
EVENT_ID, SESSION, CELL, RUN, PATH = 255, 255, 255, 255, 1024  # characters of identifiers
PATH_BYTES = 2000  # of UTF-8: an index row of PostgreSQL holds 2,704
SHORT_PATH = PATH_BYTES // 4  # characters that always fit
INT_MAX = 2**31 - 1
MAX_RUN_MS = 366 * 24 * 3600 * 1000.0  # ms; a larger value is a point in time or nonsense
MARK = "…"
DIGITS = 16  # of the hash that distinguishes cut identifiers

Cut = Counter[str] | None  # counts of cut fields by their wire names, for the answer


def label(text: str, width: int, name: str, cut: Cut) -> str:
    """Return the beginning of a text that is too long, followed by a mark."""
    count_cut(name, cut)
    return text[: width - len(MARK)] + MARK


def identity(text: str, width: int, name: str, cut: Cut) -> str:
    """Return the beginning of a text that is too long, a mark and a hash of the whole text.

    The hash keeps texts with the same beginning distinct, and a repeated text equal.
    """
    count_cut(name, cut)
    suffix = _suffix(text)
    return text[: width - len(suffix)] + suffix


def path(text: str, name: str, cut: Cut) -> str:
    """Return the path, cut like an identifier if it has too many characters or bytes."""
    if len(text) <= PATH and len(text.encode()) <= PATH_BYTES:
        return text
    count_cut(name, cut)
    suffix = _suffix(text)
    beginning = text[: PATH - len(suffix)].encode()[: PATH_BYTES - len(suffix.encode())]
    return beginning.decode(errors="ignore") + suffix


def whole(number: int | None, name: str, cut: Cut) -> int | None:
    """Return the number, or the nearest one that the column can store."""
    if number is None or -INT_MAX <= number <= INT_MAX:
        return number
    count_cut(name, cut)
    return INT_MAX if number > 0 else -INT_MAX


def count_cut(name: str, cut: Cut) -> None:
    if cut is not None:
        cut[name] += 1


def _suffix(text: str) -> str:
    return MARK + hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
