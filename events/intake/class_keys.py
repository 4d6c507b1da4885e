"""Caches of class keys and student tokens, which identify the sender of a request without a query for every POST."""

import time
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection

from lms.api.authentication import NOT_ACTIVE, UNKNOWN, WAITING
from lms.credential_holders import (
    ClassKeyHolder,
    StudentTokenHolder,
    holder_of_key,
    holder_of_token,
    record_key_use,
    record_token_use,
)

# Seconds for which an entry is valid: a revoked key or token is accepted for at most so long.
REMEMBERED = 15.0
MAX_CACHED = 10_000
MAX_LENGTH = 128  # characters; longer texts are no credential of ours, and are neither looked up nor kept

Holder = TypeVar("Holder", ClassKeyHolder, StudentTokenHolder)


class KeyRefused(Exception):
    """The class key or student token is not valid; `status` and `detail` are for the response."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class _Cache(ABC, Generic[Holder]):
    """Holders by the text of their credential; None for an unknown one. While PostgreSQL is unavailable, cached holders
    stay valid, so that no event is lost."""

    noun: ClassVar[str]

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Holder | None]] = {}

    @abstractmethod
    def find(self, text: str) -> Holder | None:
        """Look the holder up. Raises DatabaseError."""

    async def _look_up(self, text: str, now: float) -> Holder | None:
        """Return the holder, or None for an unknown text, and remember the answer. Raises KeyRefused(503)."""
        if len(text) > MAX_LENGTH:
            return None
        try:
            holder = await sync_to_async(self.find)(text)
        except DatabaseError:
            if text in self._known:
                return self._known[text][1]
            raise KeyRefused(503, f"The {self.noun} cannot be checked now; try again") from None
        if len(self._known) >= MAX_CACHED:
            self._make_room()
        self._known[text] = (now, holder)
        return holder

    def _make_room(self) -> None:
        """Forget unknown texts first: known holders are needed while PostgreSQL is unavailable."""
        self._known = {text: entry for text, entry in self._known.items() if entry[1] is not None}
        if len(self._known) >= MAX_CACHED:
            del self._known[next(iter(self._known))]


class ClassKeyCache(_Cache[ClassKeyHolder]):
    noun = "class key"

    def __init__(self, is_key_required: bool) -> None:
        super().__init__()
        self.is_key_required = is_key_required

    def find(self, text: str) -> ClassKeyHolder | None:
        return _find(text)

    async def class_of(self, key: str | None) -> int | None:
        """Return the row id of the key's class, or None if no key is given and none is required. Raises KeyRefused."""
        if not key:
            if self.is_key_required:
                raise KeyRefused(401, "A class key is required: add ?key=<class key> to the address")
            return None
        now = time.monotonic()
        known = self._known.get(key)  # here and not in a coroutine of its own, for every POST passes
        holder = known[1] if known and now - known[0] <= REMEMBERED else await self._look_up(key, now)
        if holder is None:
            raise KeyRefused(401, "Unknown class key")
        if not holder.is_active:
            raise KeyRefused(403, NOT_ACTIVE)
        return holder.class_id


class StudentTokenCache(_Cache[StudentTokenHolder]):
    noun = "student token"

    def find(self, text: str) -> StudentTokenHolder | None:
        return _find_student(text)

    async def student_of(self, token: str) -> StudentTokenHolder:
        """Return the student and class of a confirmed token. Raises KeyRefused."""
        now = time.monotonic()
        known = self._known.get(token)
        holder = known[1] if known and now - known[0] <= REMEMBERED else await self._look_up(token, now)
        if holder is None:
            raise KeyRefused(401, UNKNOWN)
        if not holder.is_active:
            raise KeyRefused(403, NOT_ACTIVE)
        if not holder.is_confirmed:
            raise KeyRefused(403, WAITING)
        return holder


def _find(key: str) -> ClassKeyHolder | None:
    try:
        holder = holder_of_key(key)
        if holder:
            record_key_use(holder)
        return holder
    finally:
        _close_connection()


def _find_student(token: str) -> StudentTokenHolder | None:
    try:
        holder = holder_of_token(token)
        if holder:
            record_token_use(holder)
        return holder
    finally:
        _close_connection()


def _close_connection() -> None:
    if not connection.in_atomic_block:
        close_old_connections()  # there is no Django request whose end would do it
