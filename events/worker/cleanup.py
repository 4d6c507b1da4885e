"""What is tidied up once an hour. Floors above hand in what is theirs when the applications start; this one must not
know them."""

import logging
from datetime import datetime
from typing import Protocol

logger = logging.getLogger(__name__)


class Chore(Protocol):
    __name__: str

    def __call__(self, *, now: datetime) -> int:
        """Do it, and return how many things were tidied up. May be done again at any time."""


_chores: list[Chore] = []


def offer(*chores: Chore) -> None:
    _chores[:] = chores


def do_all(*, now: datetime) -> None:
    """Each on its own: one that fails keeps no other from being done. Raises the last failure, so that it is seen."""
    failure: Exception | None = None
    for chore in _chores:
        try:
            number = chore(now=now)
        except Exception as error:
            logger.exception("%s failed", chore.__name__)
            failure = error
        else:
            if number:
                logger.info("%s: %d", chore.__name__, number)
    if failure:
        raise failure
