"""What the sockets ask of the floor above: who an instructor's token belongs to, and to change an instructor's status.

`realtime` lies below `instructors` and must not know it; `config/asgi.py` hands these functions in.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

AUTHENTICATION_FAILED = 4001  # the code with which a socket closes whose entry opens nothing, or no more


@dataclass(frozen=True, slots=True)
class Entry:
    """What let an instructor in: the login of a browser (its session) or a program's token."""

    account_id: int
    session_key: str = ""
    token_id: str = ""  # empty for a token that cannot be revoked by itself
    stamp: str = ""  # of the password that the token was made under; empty where it says nothing of one
    issued_at: float = 0.0  # the token, in seconds since the epoch
    is_admin: bool = False  # when it came in: what it hears was chosen then


@dataclass(frozen=True, slots=True)
class Account:
    """An active instructor, as the token that they came with shows them. `lms.access.User` is satisfied by one."""

    pk: int
    name: str
    is_admin: bool
    is_assistant: bool = False
    expires_at: float | None = None  # seconds since the epoch; None for a login by cookie
    entry: Entry | None = None


class BadStatus(Exception):
    """The status or the session cannot be set; the text says why."""


class InstructorDoor(Protocol):
    def who(self, token: str) -> Account | None:
        """The active instructor of this token; None where it opens nothing. Causes SQL queries."""

    def ended(self, entries: Collection[Entry]) -> set[Entry]:
        """Those that open nothing any more: logged out, revoked, idle too long, another password, switched off, admin
        no more or only now. Three queries at most, however many are asked about."""

    def is_active(self, instructor_id: int) -> bool:
        """Whether that account exists and is switched on. One query."""

    def wrote(self, *, account_id: int, action: str, target_type: str, target_id: int | str, length: int) -> None:
        """An instructor wrote to somebody: the audit log hears of it, of the text its length. Causes SQL queries."""

    def looked_at(self, *, account_id: int, student_id: int, what: str) -> None:
        """An instructor reads, or follows, what one student does. Causes SQL queries."""

    def change_status(self, *, instructor_id: int, status: str, session_id: int | None = None) -> None:
        """Set the status, keep its history, tell the instructor and all others. Raises BadStatus."""
