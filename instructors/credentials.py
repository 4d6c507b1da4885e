"""What the sockets ask of instructors: `realtime.credentials.InstructorDoor`, handed down by `config/asgi.py`."""

from collections.abc import Collection
from datetime import UTC, datetime

from instructors import audit, credential_checks, tokens
from instructors import status as statuses
from instructors.models import Instructor
from realtime.credentials import Account, BadStatus, Entry


class Door:
    def who(self, token: str) -> Account | None:
        """Two queries."""
        try:
            found, claims = tokens.opened(token)
        except tokens.BadToken:
            return None
        if not found.is_active:
            return None
        entry = Entry(
            found.pk,
            token_id=str(claims.get("jti") or ""),
            stamp=str(claims.get("pwd") or ""),
            issued_at=tokens.issued_at(claims),
            is_admin=found.is_admin,
        )
        return Account(found.pk, found.name, found.is_admin, found.is_assistant, float(claims["exp"]), entry)

    def ended(self, asked: Collection[Entry]) -> set[Entry]:
        return credential_checks.ended(asked, now=datetime.now(UTC))

    def is_active(self, instructor_id: int) -> bool:
        return Instructor.objects.filter(pk=instructor_id, is_active=True).exists()

    def wrote(self, *, account_id: int, action: str, target_type: str, target_id: int | str, length: int) -> None:
        audit.record(
            action=action,
            actor=Instructor.objects.filter(pk=account_id).first(),
            request=None,
            target_type=target_type,
            target_id=target_id,
            details={"characters": length},
        )

    def looked_at(self, *, account_id: int, student_id: int, what: str) -> None:
        audit.record(
            action="student_view",
            actor=Instructor.objects.filter(pk=account_id).first(),
            request=None,
            target_type="student",
            target_id=student_id,
            details={"of": what},
        )

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
