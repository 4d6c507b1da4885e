"""What the sockets ask of the floor above: who an instructor's token belongs to, and to change an instructor's status.

`realtime` lies below `instructors` and must not know it; `config/asgi.py` hands these functions in.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """An active instructor, as the token that they came with shows them. `lms.access.User` is satisfied by one."""

    pk: int
    name: str
    is_admin: bool
    expires_at: float | None = None  # seconds since the epoch; None for a login by cookie


class BadStatus(Exception):
    """The status or the session cannot be set; the text says why."""


class InstructorDoor(Protocol):
    def who(self, token: str) -> Account | None:
        """The active instructor of this token; None where it opens nothing. Causes SQL queries."""

    def change_status(self, *, instructor_id: int, status: str, session_id: int | None = None) -> None:
        """Set the status, keep its history, tell the instructor and all others. Raises BadStatus."""
