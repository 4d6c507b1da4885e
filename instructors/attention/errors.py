"""When two errors are the same: their text without what changes from try to try. Pure."""

import re
from functools import lru_cache

from instructors.ansi import CONTROL, ESCAPES

# Quoted names stay: another misspelling is another mistake. File names of IPython's cells, addresses and numbers go.
FILE = re.compile(r"\((?:<[^>]*>|[^()\s]*\.py), line \d+\)")
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
NUMBER = re.compile(r"\d+")
NAME = re.compile(r"[A-Za-z_][\w.]{0,60}")
LONGEST = 200


@lru_cache(maxsize=4096)
def signature(message: str | None) -> str:
    text = _plain(message)[:LONGEST]
    return NUMBER.sub("0", ADDRESS.sub("0x", FILE.sub("", text))).strip()


@lru_cache(maxsize=4096)
def name_of(message: str | None) -> str:
    """`NameError` of `NameError: name 'x' is not defined`; empty where the text does not begin with a name."""
    found = NAME.fullmatch(_plain(message).partition(":")[0].strip())
    return found[0] if found else ""


def _plain(message: str | None) -> str:
    return CONTROL.sub("", ESCAPES.sub("", message or "")).strip()
