"""An instructor's status: the one function that changes it, and the one that tells about it.

Login, logout, REST, sockets and workers all come through here, so that the history has no gap and no overlap.
"""

from datetime import datetime
from typing import TypedDict

from django.db import transaction
from django.db.models import Model, QuerySet

from instructors.models import Instructor, InstructorStatusHistory
from realtime import broadcast, groups, messages
from realtime.notify import notify

Status = Instructor.Status


class _About(TypedDict):
    instructor_id: int
    status: str
    session_id: int | None
    updated_at: datetime


class UnknownSession(LookupError):
    """The session that the instructor is to be in does not exist."""


def change_status(*, instructor_id: int, status: str, session_id: int | None = None, now: datetime) -> Instructor:
    """Close the open row of the history, open the next, and set the status; the same status again is a change too.

    Five queries, six with a session. Raises Instructor.DoesNotExist and UnknownSession. Tell about it afterwards, with
    `announce_status`.
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
    """Sessions of JupyterLab belong to `lms`, above: they are reached through the foreign key."""
    model = Instructor._meta.get_field("current_session").related_model
    return model._default_manager.all()


def announce_status(instructor: Instructor) -> None:
    """Tell the instructor's own screens, all instructors, and programs outside. After the commit."""
    about = _About(
        instructor_id=instructor.pk,
        status=str(instructor.status),
        session_id=instructor.current_session_id,
        updated_at=instructor.status_updated_at,
    )
    to_all = [messages.status_update(**about), messages.instructor_status_changed(**about)]
    notices = [(groups.INSTRUCTORS, frame) for frame in to_all]
    notices.append((groups.instructor_group(instructor.pk), messages.status_updated(**about)))
    notify(lambda: broadcast.publish({}, notices, outside=to_all[:1]))
