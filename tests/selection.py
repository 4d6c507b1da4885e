"""What `make test` takes of a walk whose point is breadth: at every place some of the values, the next at each next
place. So it meets every place and every value, though not every value at every place, and the same pairs in every run.
`FAULTS=long` (`make faults`) takes them all. No walk of who may do what is cut so."""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
IS_LONG = os.environ.get("FAULTS") == "long"


def some_of(values: Sequence[T], place: int, *, share: int) -> Sequence[T]:
    """As many as `share` says, those whose turn it is at the place of this number. Places that are numbered one after
    the other meet all values: after len / share of them it begins anew."""
    if IS_LONG or share >= len(values):
        return values
    return [values[(place * share + number) % len(values)] for number in range(share)]
