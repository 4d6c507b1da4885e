"""What an error's text has that is not the mistake: colours, where it was, addresses in memory. Pure.

Two questions are asked of such a text, and have different answers on purpose. `attention.errors`: does one student fail
again in the same way? There, another misspelt name is another mistake. `queries.fingerprints`: do many students make
one mistake? There, the name is what differs from one to the next.
"""

import re

from classroom.base.ansi import plain

# `(859882524.py, line 3)`, `(<ipython-input-3-0a1b>, line 1)`
PLACE = re.compile(r"\s*\((?:<[^<>()]{0,80}>|[^\s(),]{1,80}), line \d+\)")
ADDRESS = re.compile(r"\b0x[0-9A-Fa-f]+")


def words_of(text: str | None) -> str:
    """The text without colours and characters that nobody sees."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    return plain(lines).replace("\N{REPLACEMENT CHARACTER}", "").strip()
