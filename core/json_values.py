"""JSON that PostgreSQL can hold: its texts take neither NUL nor half a surrogate pair, its numbers no NaN."""

import math
import re
from typing import Any

DEEPEST = 100  # levels of nesting; what people mean has about ten, and Python's stack is finite
REPLACEMENT = "\ufffd"

_ODD = re.compile("[\0\ud800-\udfff]")


class TooDeep(ValueError):
    """Nested deeper than what is taken."""


def storable(value: Any, *, deepest: int = DEEPEST) -> Any:
    """Return a copy with U+FFFD for each character that cannot be stored, and None for numbers that are none. Raises
    TooDeep beyond `deepest` levels."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict | list) and deepest < 0:
        raise TooDeep
    if isinstance(value, dict):
        return {_text(str(key)): storable(item, deepest=deepest - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item, deepest=deepest - 1) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(text: str) -> str:
    if not _ODD.search(text):
        return text
    joined = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
    return joined.replace("\0", REPLACEMENT)
