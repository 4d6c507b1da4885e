"""JSON values that PostgreSQL can store: without NUL, lone surrogates, NaN and infinities."""

import json
import math
import re
from typing import Any

MAX_DEPTH = 100  # levels of nesting; real data has about ten, and Python's stack is finite
MAX_INDENTED = 16  # levels
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


def indented(value: Any, **options: Any) -> str:
    """Return JSON to be read by people, indented by one blank a level; `options` are those of `json.dumps`.

    A value of more than MAX_INDENTED levels is not indented: of a million numbers in a hundred lists each would stand
    behind a hundred blanks.
    """
    return json.dumps(value, ensure_ascii=False, indent=1 if _is_flat(value, MAX_INDENTED) else None, **options)


def _is_flat(value: Any, levels: int) -> bool:
    """Return whether the value has at most so many levels of dicts and lists."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_flat(each, levels - 1) for each in inner)


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
