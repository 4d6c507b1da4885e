"""Events about instructors: start an instructor's session, or assign an available instructor to a student.

Source: docs/contract/events.md section 3.4.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from core.validators import MAX_BIGINT
from events.contract.schema import Event
from instructors.models import Instructor
from instructors.permissions import may_manage
from instructors.status import Status, announce_status, change_status
from realtime import groups, messages
from realtime.broadcast import notify

logger = logging.getLogger(__name__)

Announce = Callable[[], None]


def instructor_of(token: str) -> Instructor | None:
    """Return the active instructor of a Bearer token, or None if the token is not valid. Two queries."""
    # Here, because workers have no tokens to check, and these modules take 3 MiB.
    from rest_framework_simplejwt.exceptions import TokenError

    from instructors.tokens import BearerToken

    try:
        found = BearerToken(token).instructor()  # type: ignore[arg-type]  # simplejwt takes texts too
    except TokenError:
        return None
    return found if found.is_active else None


def allows(caller: Instructor | None, event: Event) -> bool:
    """Return whether the caller may send this event. The permissions are those of the HTTP API. At most one query.

    The start of a session sets the status of the named instructor, like `PUT /instructor_status`. The sender of an
    assignment does not choose the instructor, so every instructor may send one.
    """
    if caller is None:
        return False
    fields = _fields(event)
    if event.event_type != "student_session_start" or fields.get("instructor_id") == caller.pk:
        return True
    found = _named_instructor(fields)
    return found is not None and may_manage(caller, found)


def perform(event: Event, *, now: datetime) -> Announce | None:
    """Apply the event inside the caller's transaction.

    Return a function that announces the change, to be called after the commit, or None if nothing changed.
    """
    if event.event_type == "student_session_start":
        return _start_session(_fields(event), now)
    return _assign(_fields(event), now)


def _start_session(fields: dict[str, Any], now: datetime) -> Announce | None:
    found = _named_instructor(fields)
    if found is None:
        logger.warning("student_session_start names no instructor we know")
        return None
    changed = change_status(instructor_id=found.pk, status=Status.IN_SESSION, now=now)
    return lambda: announce_status(changed)


def _assign(fields: dict[str, Any], now: datetime) -> Announce | None:
    """Assign the first available instructor. The row lock prevents two events from choosing the same one."""
    free = Instructor.objects.filter(is_active=True, status=Status.AVAILABLE).order_by("pk")
    found = free.select_for_update(skip_locked=True, no_key=True).first()
    if found is None:
        logger.warning("instructor_assignment: nobody is available")
        return None
    changed = change_status(instructor_id=found.pk, status=Status.IN_SESSION, now=now)
    frame = messages.InstructorAssigned(
        instructor_id=changed.pk,
        student_id=_scalar(fields.get("student_id")),
        class_id=_scalar(fields.get("class_id")),
        assigned_at=messages.timestamp(now),
    )

    def announce_assignment() -> None:
        announce_status(changed)
        notify([groups.instructor_group(changed.pk)], frame, also_outside=True)

    return announce_assignment


def _fields(event: Event) -> dict[str, Any]:
    return {**((event.data or {}).get("metadata") or {}), **(event.data or {})}


def _named_instructor(fields: dict[str, Any]) -> Instructor | None:
    named = fields.get("instructor_id")
    return Instructor.objects.filter(pk=named).first() if isinstance(named, int) and 0 < named <= MAX_BIGINT else None


def _scalar(value: Any) -> str | int | None:
    return value if isinstance(value, str | int) else None
