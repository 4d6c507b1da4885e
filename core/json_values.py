"""JSON values that PostgreSQL can store: without NUL, lone surrogates, NaN and infinities."""

import math
import re
from typing import Any

MAX_DEPTH = 100  # levels of nesting; real data has about ten, and Python's stack is finite
REPLACEMENT = "\ufffd"

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class TooDeep(ValueError):
    """The value is nested too deeply."""


def storable(value: Any, *, max_depth: int = MAX_DEPTH) -> Any:
    """Return a copy with U+FFFD for each character that cannot be stored, and None for NaN and infinities. Raises
    TooDeep beyond `max_depth` levels."""
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict | list) and max_depth < 0:
        raise TooDeep
    if isinstance(value, dict):
        return {_storable_text(str(key)): storable(item, max_depth=max_depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item, max_depth=max_depth - 1) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def finite_number(value: Any) -> float | None:
    """Return a number as a float; None for any other type, and for what a float cannot express."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _storable_text(text: str) -> str:
    if not _UNSTORABLE.search(text):
        return text
    joined = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
    return joined.replace("\0", REPLACEMENT)
