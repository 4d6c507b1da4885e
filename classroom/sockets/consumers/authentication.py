"""Who sits at the other end, as far as they can prove it: docs/contract/websocket.md section 1, docs/security.md.

A login of the pages (cookie) or a Bearer token (`?token=`) proves an account. A class key (`X-Class-Key`, `?key=`)
proves a class and nobody in it: classmates share it. What a client calls itself proves nothing.
"""

import asyncio
import time
from typing import Any

from channels.db import database_sync_to_async

from classroom.sockets.base import Socket
from classroom.sockets.people import Person
from instructors import audit
from instructors.credentials import Account, Credential, account_of_token
from instructors.models import Instructor
from lms.access import KeyHolder, User, holder_of_key, record_key_use
from realtime.connections import AUTHENTICATION_FAILED


class AuthenticatedSocket(Socket):
    user: User | None = None  # the account
    holder: KeyHolder | None = None  # the class key
    # Row id of the student whose own credential came along. Students have none yet: this is where it goes.
    proven_student: int | None = None

    async def authenticate(self, *, with_key: bool = False) -> bool:
        """Take note of what the peer shows. False where something was shown that opens nothing."""
        user, token = self.scope.get("user"), self.query.get("token")
        if user is not None and user.is_authenticated:
            self.user = user
            session_key = self.scope["session"].session_key or ""
            self.credential = Credential(user.pk, session_key=session_key, is_admin=user.is_admin)
        elif token:
            account = await database_sync_to_async(account_of_token)(token[0].removeprefix("Bearer "))
            if account is None:
                return False
            self.user = account
            self.expire(account)
        elif with_key and (key := self._key()):
            self.holder = await database_sync_to_async(_holder)(key)
            self.key_id = self.holder.key_id if self.holder else None
            return self.holder is not None
        return True

    @property
    def proof(self) -> str | None:
        """A name of the one whom the peer proved to be; None where it could be anybody, a classmate included."""
        if self.proven_student is not None:
            return f"student {self.proven_student}"
        return f"account {self.user.pk}" if self.user is not None else None

    def _key(self) -> str:
        for name, value in self.scope.get("headers", ()):
            if name == b"x-class-key":
                return str(value.decode("latin-1").strip())
        return self.query.get("key", [""])[0].strip()

    def expire(self, account: Account) -> None:
        """Close the connection when the token that opened it has had its time. The caretaker does on revocation."""
        self.credential = account.credential
        if account.expires_at is not None:
            delay = max(0.0, account.expires_at - time.time())
            self.run(_after(delay, lambda: self.end(AUTHENTICATION_FAILED)))

    async def record_view(self, person: Person, what: str) -> None:
        """An account reads, or follows, what one student does: the audit log hears of it."""
        if self.user is not None and person.student_id is not None:
            await database_sync_to_async(_record_view)(self.user.pk, person.student_id, what)


def _holder(key: str) -> KeyHolder | None:
    """Of a key that is open, of a class that is active. Two queries."""
    found = holder_of_key(key)
    if found is None or not found.is_active:
        return None
    record_key_use(found)
    return found


def _record_view(account_id: int, student_id: int, what: str) -> None:
    audit.record(
        action="student_view",
        actor=Instructor.objects.filter(pk=account_id).first(),
        request=None,
        target_type="student",
        target_id=student_id,
        details={"of": what},
    )


async def _after(delay: float, act: Any) -> None:
    await asyncio.sleep(delay)
    act()
