"""The names of all settings, and the refusal of environment variables that are almost one of them.

A misspelt variable would be ignored in silence: `RETENTION_EVENT_DAYS=90` would keep everything for ever.
"""

import difflib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

EXAMPLE = Path(__file__).resolve().parent.parent / ".env.example"
SHORTEST = 9  # characters: shorter names of other programs look like ours by chance
ALIKE = 0.9  # of difflib's ratio, from 0 to 1
OURS_ALONE = re.compile(r"RETENTION_[A-Z_]*DAYS?")  # no other program has such names


@cache
def setting_names() -> frozenset[str]:
    """Return the names of all settings, from .env.example."""
    return frozenset(re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))


def refuse_misspelt(given: Iterable[str]) -> None:
    """Raise ImproperlyConfigured for the first of these names of variables that is almost the name of a setting."""
    for name in sorted(set(given) - setting_names()):
        if (meant := _meant_by(name)) is not None:
            question = f" Did you mean {meant}?" if meant else ""
            raise ImproperlyConfigured(
                f"There is no setting {name}.{question} Correct the name of this environment variable, or remove it."
            )


def _meant_by(name: str) -> str | None:
    """Return the setting that is almost called so; "" if there is none but the name can only be ours, else None."""
    words, is_ours = set(name.upper().split("_")), OURS_ALONE.fullmatch(name.upper()) is not None
    if len(name) < SHORTEST:
        return None
    # A setting that shares no word is not meant; comparing letters costs more than comparing words.
    near = [each for each in setting_names() if words & set(each.split("_")) and len(each) >= SHORTEST]
    found = difflib.get_close_matches(name.upper(), near, n=1, cutoff=0.6 if is_ours else ALIKE)
    return found[0] if found else "" if is_ours else None
