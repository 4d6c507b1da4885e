"""Which class a request belongs to: the ingest key, checked on every POST without a query on every POST."""

import time
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection

from lms.access import KeyHolder, holder_of_key, record_key_use

# A revoked key is refused, and a new one known, after at most this many seconds.
REMEMBERED = 15.0
MOST_REMEMBERED = 10_000


class KeyRefused(Exception):
    """The key opens nothing; `status` and the text are the answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(slots=True)
class ClassKeyCache:
    """Remembers what keys open. While PostgreSQL is away, what was known stays valid: events must not be lost."""

    is_key_required: bool
    _known: dict[str, tuple[float, KeyHolder | None]] = field(default_factory=dict)

    async def class_of(self, key: str | None) -> int | None:
        """The row id of the class whose key this is; None where no key is given and none is needed. Raises Refused."""
        if not key:
            if self.is_key_required:
                raise KeyRefused(401, "A class key is required: add ?key=<class key> to the address")
            return None
        now = time.monotonic()
        checked, holder = self._known.get(key, (0.0, None))
        if key not in self._known or now - checked > REMEMBERED:
            holder = await self._look_up(key, now)
        if holder is None:
            raise KeyRefused(401, "Unknown class key")
        if not holder.is_active:
            raise KeyRefused(403, "This class is not active")
        return holder.class_id

    async def _look_up(self, key: str, now: float) -> KeyHolder | None:
        try:
            holder = await sync_to_async(_find)(key)
        except DatabaseError:
            if key in self._known:
                return self._known[key][1]
            raise KeyRefused(503, "The class key cannot be checked now; try again") from None
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = (now, holder)
        return holder


def _find(key: str) -> KeyHolder | None:
    try:
        holder = holder_of_key(key)
        if holder:
            record_key_use(holder)
        return holder
    finally:
        if not connection.in_atomic_block:
            close_old_connections()  # no request of Django's ends here and does it
