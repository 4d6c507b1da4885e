"""A cache of class keys, which identify the class of a request without a query for every POST."""

import time
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection

from lms.access import KeyHolder, holder_of_key, record_key_use

# Seconds for which an entry is valid: a revoked key is accepted for at most so long, and while PostgreSQL is away.
REMEMBERED = 15.0
MAX_CACHED = 10_000


class KeyRefused(Exception):
    """The class key is not valid; `status` and `detail` are for the response."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(slots=True)
class ClassKeyCache:
    """A cache of class keys. While PostgreSQL is unavailable, cached keys stay valid, so that no event is lost."""

    is_key_required: bool
    _cache: dict[str, tuple[float, KeyHolder | None]] = field(default_factory=dict)

    async def class_of(self, key: str | None) -> int | None:
        """Return the row id of the key's class, or None if no key is given and none is required. Raises KeyRefused."""
        if not key:
            if self.is_key_required:
                raise KeyRefused(401, "A class key is required: add ?key=<class key> to the address")
            return None
        now = time.monotonic()
        checked, holder = self._cache.get(key, (0.0, None))
        if key not in self._cache or now - checked > REMEMBERED:
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
            if key in self._cache:
                return self._cache[key][1]
            raise KeyRefused(503, "The class key cannot be checked now; try again") from None
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        self._cache[key] = (now, holder)
        return holder


def _find(key: str) -> KeyHolder | None:
    try:
        holder = holder_of_key(key)
        if holder:
            record_key_use(holder)
        return holder
    finally:
        if not connection.in_atomic_block:
            close_old_connections()  # there is no Django request whose end would do it
