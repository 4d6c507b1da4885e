"""What events about instructors ask for: `events.processing.instructor_events.Desk` (docs/contract/events.md section 3.4)."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from instructors import tokens
from instructors.models import Instructor
from instructors.permissions import may_manage
from instructors.status import Status, announce_status, change_status
from realtime import broadcast, groups, messages
from realtime.notify import tell

logger = logging.getLogger(__name__)


class InstructorsDesk:
    def who(self, token: str) -> Instructor | None:
        try:
            found = tokens.instructor_of(token)
        except tokens.BadToken:
            return None
        return found if found.is_active else None

    def allows(self, caller: Any, event_type: str, fields: dict[str, Any]) -> bool:
        """A session's start sets the status of the instructor whom it names: as `PUT /instructor_status` would. Whom an
        assignment takes is no sender's choice, so every instructor may ask for one."""
        if not isinstance(caller, Instructor):
            return False
        if event_type != "student_session_start" or fields.get("instructor_id") == caller.pk:
            return True
        found = _named(fields)
        return found is not None and may_manage(caller, found)

    def perform(self, event_type: str, fields: dict[str, Any], *, now: datetime) -> Callable[[], None] | None:
        if event_type == "student_session_start":
            return self._start_session(fields, now)
        return self._assign(fields, now)

    def _start_session(self, fields: dict[str, Any], now: datetime) -> Callable[[], None] | None:
        found = _named(fields)
        if found is None:
            logger.warning("student_session_start names no instructor we know")
            return None
        changed = change_status(instructor_id=found.pk, status=Status.IN_SESSION, now=now)
        return lambda: announce_status(changed)

    def _assign(self, fields: dict[str, Any], now: datetime) -> Callable[[], None] | None:
        """The first who is free; two events at once do not choose the same one, because the row is locked."""
        free = Instructor.objects.filter(is_active=True, status=Status.AVAILABLE).order_by("pk")
        found = free.select_for_update(skip_locked=True, no_key=True).first()
        if found is None:
            logger.warning("instructor_assignment: nobody is available")
            return None
        changed = change_status(instructor_id=found.pk, status=Status.IN_SESSION, now=now)
        frame = messages.instructor_assigned(
            instructor_id=changed.pk,
            student_id=_plain(fields.get("student_id")),
            class_id=_plain(fields.get("class_id")),
            assigned_at=now,
        )

        def announce() -> None:
            announce_status(changed)
            tell(lambda: broadcast.publish({}, [(groups.instructor_group(changed.pk), frame)], outside=[frame]))

        return announce


def _named(fields: dict[str, Any]) -> Instructor | None:
    named = fields.get("instructor_id")
    return Instructor.objects.filter(pk=named).first() if isinstance(named, int) and 0 < named < 2**63 else None


def _plain(value: Any) -> str | int | None:
    return value if isinstance(value, str | int) else None
