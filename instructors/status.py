"""Changes and announcements of an instructor's status.

Login, logout, REST, sockets and workers all use `change_status`, so that the history has no gap and no overlap.
"""

from datetime import datetime
from typing import cast

from django.db import transaction
from django.db.models import Model, QuerySet

from instructors.models import Instructor, InstructorStatusHistory
from realtime import broadcast, groups, messages
from realtime.broadcast import best_effort

Status = Instructor.Status


class UnknownSession(LookupError):
    """The session to enter does not exist."""


def change_status(*, instructor_id: int, status: str, session_id: int | None = None, now: datetime) -> Instructor:
    """Close the open row of the history, open the next, and set the status. The same status again is a change too.

    Five queries, six with a session. Raises Instructor.DoesNotExist and UnknownSession. Call `announce_status`
    afterwards.
    """
    with transaction.atomic():
        instructor = Instructor.objects.select_for_update(no_key=True).get(pk=instructor_id)
        if session_id is not None and not _sessions().filter(pk=session_id).exists():
            raise UnknownSession(session_id)
        for row in InstructorStatusHistory.objects.filter(instructor=instructor, ended_at=None):
            row.ended_at = now
            row.duration_minutes = max(0, int((now - row.started_at).total_seconds() // 60))
            row.save(update_fields=["ended_at", "duration_minutes"])
        InstructorStatusHistory.objects.create(
            instructor=instructor, status=status, session_id=session_id, started_at=now
        )
        instructor.status = status
        instructor.current_session_id = session_id
        instructor.status_updated_at = instructor.updated_at = now
        instructor.save(update_fields=["status", "current_session", "status_updated_at", "updated_at"])
    return instructor


def _sessions() -> "QuerySet[Model]":
    """Return all sessions of JupyterLab. `lms` imports this app, so their model is reached through the foreign key."""
    model = Instructor._meta.get_field("current_session").related_model
    return model._default_manager.all()


def announce_status(instructor: Instructor) -> None:
    """Send the status to the instructor's own sockets, all instructors and external subscribers, after the commit."""
    own = messages.StatusUpdated(
        instructor_id=instructor.pk,
        status=cast(messages.InstructorStatus, str(instructor.status)),
        session_id=instructor.current_session_id,
        updated_at=messages.timestamp(instructor.status_updated_at),
    )
    fields = {**own.data, "current_session_id": own.session_id}
    update = messages.StatusUpdate(**fields)
    notices = [
        (groups.INSTRUCTORS, update),
        (groups.INSTRUCTORS, messages.InstructorStatusChanged(**fields)),
        (groups.instructor_group(instructor.pk), own),
    ]
    best_effort(lambda: broadcast.publish_notices(notices, outside=[update]))
