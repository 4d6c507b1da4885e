"""What the sockets ask of instructors: `realtime.door.InstructorDoor`, handed down by `config/asgi.py`."""

from datetime import UTC, datetime

from instructors import audit, tokens
from instructors import status as statuses
from instructors.models import Instructor
from realtime.door import Account, BadStatus


class Door:
    def who(self, token: str) -> Account | None:
        """Three queries at most."""
        try:
            claims = tokens.claims_of(token)
            found = tokens.instructor_of(token)
        except tokens.BadToken:
            return None
        return account_of(found, expires_at=float(claims["exp"])) if found.is_active else None

    def change_status(self, *, instructor_id: int, status: str, session_id: int | None = None) -> None:
        if status not in Instructor.Status.values:
            raise BadStatus(f"status must be one of {', '.join(Instructor.Status.values)}")
        try:
            changed = statuses.change_status(
                instructor_id=instructor_id, status=status, session_id=session_id, now=datetime.now(UTC)
            )
        except (statuses.UnknownSession, Instructor.DoesNotExist) as error:
            raise BadStatus(f"Unknown session: {session_id}") from error
        audit.record(
            action="status_change",
            actor=changed,
            request=None,
            target_type="instructor",
            target_id=instructor_id,
            details={"status": status},
        )
        statuses.announce_status(changed)


def account_of(instructor: Instructor, *, expires_at: float | None) -> Account:
    return Account(instructor.pk, instructor.name, instructor.is_admin, expires_at)
