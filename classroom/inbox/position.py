"""A position in a student's inbox: what a client has received. Opaque to clients, who send it back as `since`.

Rows are sent in the order of creation, but a transaction may commit a row after a later one was sent. So a position has
a base, SETTLING in the past, up to which everything was sent, and the ids of the rows that were sent beyond it. Pure
values.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.validators import MAX_BIGINT

SETTLING = timedelta(minutes=2)  # longer than any transaction that writes a notification
OLDEST = timedelta(days=30)
MAX_TOLD = 50  # beyond the base; more than that in two minutes move the base on
MAX_LENGTH = 2000  # characters
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Key = tuple[datetime, int]  # creation and id of a row; rows are told in this order


@dataclass(frozen=True, slots=True)
class Position:
    base: Key
    told: frozenset[Key] = frozenset()
    help: str = ""  # a digest of the help state that was told; "" for none
    owner: str = ""  # student and class: of another inbox it says nothing
    question: str = ""  # the open question that was told; "" for none

    def __str__(self) -> str:
        moment, pk = self.base
        told = "_".join(f"{_number(at - moment)}-{row}" for at, row in sorted(self.told))
        question = f".{self.question}" if self.question else ""  # earlier versions read the rest
        return f"1.{_number(moment - EPOCH)}.{pk}.{told}.{self.help}.{self.owner}{question}"

    def after(self, keys: Iterable[Key], *, now: datetime, is_all: bool) -> "Position":
        """Return the position after these rows, the next ones, were sent. `is_all`: no row is left to send."""
        keys = list(keys)
        settled = (now - SETTLING, 0)
        reached = settled if is_all else min(settled, max(keys, default=self.base))
        base = max(self.base, reached)
        told = sorted(key for key in {*self.told, *keys} if key > base)
        if len(told) > MAX_TOLD:
            base, told = told[-MAX_TOLD - 1], told[-MAX_TOLD:]
        return replace(self, base=base, told=frozenset(told))

    def with_state(self, *, help: str, question: str) -> "Position":
        return replace(self, help=help, question=question)


def beginning(now: datetime, owner: str = "") -> Position:
    return Position((now - OLDEST, 0), owner=owner)


def parse(text: str, *, now: datetime, owner: str = "") -> Position:
    """Return the position that a client sent; the beginning for one that is none, from the future, or of another
    inbox."""
    start = beginning(now, owner)
    try:
        version, moment, pk, told, digest, whose, *more = text.split(".")
        question = more[0] if len(more) == 1 else ""
        is_other = version != "1" or whose != owner or len(text) > MAX_LENGTH
        if is_other or len(more) > 1 or any(not part.isalnum() for part in (digest, question) if part):
            return start
        at = EPOCH + int(moment) * MICROSECOND
        pairs = [pair.split("-") for pair in told.split("_") if pair]
        rows = frozenset((at + int(gap) * MICROSECOND, int(row)) for gap, row in pairs)
        found = Position((at, int(pk)), rows, digest, owner, question)
    except (ValueError, OverflowError):
        return start
    if at > now or not all(0 <= row <= MAX_BIGINT for _, row in (found.base, *rows)):
        return start
    return found if found.base > start.base else replace(found, base=start.base)


def _number(span: timedelta) -> int:
    return span // MICROSECOND
