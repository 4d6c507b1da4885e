"""Authenticate the peers of sockets: docs/contract/websocket.md section 1, docs/security.md.

A session cookie or a Bearer token (`?token=`) authenticates an account. A class key (`X-Class-Key`, `?key=`)
authenticates a class but no person, because classmates share it. A client id authenticates nothing.
"""

import asyncio
import time
from collections.abc import Callable

from channels.db import database_sync_to_async

from classroom.sockets.base import Socket
from classroom.sockets.people import StudentIdentity
from instructors import audit
from instructors.credentials import Account, Credential, account_of_token
from instructors.models import Instructor
from lms.access import User, class_ids_of
from lms.credential_holders import ClassKeyHolder, holder_of_key, record_key_use
from realtime.connections import AUTHENTICATION_FAILED


class AuthenticatedSocket(Socket):
    user: User | None = None  # the account
    holder: ClassKeyHolder | None = None  # the class key
    # Row id of an authenticated student. Always None: a student's token opens `DeviceSocket` alone.
    proven_student: int | None = None

    async def authenticate(self, *, with_key: bool = False) -> bool:
        """Read and check the credential; return False if there is one that is not valid."""
        user, token = self.scope.get("user"), self.query.get("token")
        if user is not None and user.is_authenticated:
            self.user = user
            session_key = self.scope["session"].session_key or ""
            self.credential = Credential(user.pk, session_key=session_key, is_admin=user.is_admin)
            await self.note_classes()
        elif token:
            account = await database_sync_to_async(account_of_token)(token[0].removeprefix("Bearer "))
            if account is None:
                return False
            self.user = account
            self.expire(account)
            await self.note_classes()
        elif with_key and (key := self._key()):
            self.holder = await database_sync_to_async(_holder)(key)
            self.key_id = self.holder.key_id if self.holder else None
            return self.holder is not None
        return True

    async def note_classes(self) -> None:
        """Keep through which classes the account hears of students from now on. The background tasks close the
        connection once it has lost one of them. One query; none for an admin."""
        if self.user is not None and not self.user.is_admin:
            self.class_ids |= set(await database_sync_to_async(class_ids_of)(self.user))

    @property
    def proof(self) -> str | None:
        """Return a text that identifies the authenticated person; None for a class key or without a credential."""
        if self.proven_student is not None:
            return f"student {self.proven_student}"
        return f"account {self.user.pk}" if self.user is not None else None

    def _key(self) -> str:
        for name, value in self.scope.get("headers", ()):
            if name == b"x-class-key":
                return str(value.decode("latin-1").strip())
        return self.query.get("key", [""])[0].strip()

    def expire(self, account: Account) -> None:
        """Close the connection when its token expires. The background tasks close it on revocation."""
        self.credential = account.credential
        if account.expires_at is not None:
            delay = max(0.0, account.expires_at - time.time())
            self.run(_call_later(delay, lambda: self.end(AUTHENTICATION_FAILED)))

    async def record_view(self, person: StudentIdentity, what: str) -> None:
        """Record in the audit log that an account reads or follows a student's data."""
        if self.user is not None and person.student_id is not None:
            await database_sync_to_async(_record_view)(self.user.pk, person.student_id, what)


def _holder(key: str) -> ClassKeyHolder | None:
    """Return the holder of an open key of an active class, and record its use. Two queries."""
    found = holder_of_key(key)
    if found is None or not found.is_active:
        return None
    record_key_use(found)
    return found


def _record_view(account_id: int, student_id: int, what: str) -> None:
    audit.record(
        "student_view",
        actor=Instructor.objects.filter(pk=account_id).first(),
        request=None,
        target_type="student",
        target_id=student_id,
        details={"of": what},
    )


async def _call_later(delay: float, function: Callable[[], None]) -> None:
    await asyncio.sleep(delay)
    function()
