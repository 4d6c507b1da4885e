"""When two errors are the same: their text without what changes from try to try. Pure."""

import re
from functools import lru_cache

from classroom.errors.error_text import ADDRESS, PLACE, words_of

# Quoted names stay: another misspelling is another mistake. Places, addresses and numbers go.
NUMBER = re.compile(r"\d+")
NAME = re.compile(r"[A-Za-z_][\w.]{0,60}")
LONGEST = 200


@lru_cache(maxsize=4096)
def signature(message: str | None) -> str:
    text = words_of(message)[:LONGEST]
    return NUMBER.sub("0", ADDRESS.sub("0x", PLACE.sub("", text))).strip()


@lru_cache(maxsize=4096)
def name_of(message: str | None) -> str:
    """`NameError` of `NameError: name 'x' is not defined`; empty where the text does not begin with a name."""
    found = NAME.fullmatch(words_of(message).partition(":")[0].strip())
    return found[0] if found else ""
