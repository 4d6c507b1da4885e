"""Ending help requests and resolving errors. Both may be repeated, and the audit log records each call."""

import uuid
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest
from rest_framework.request import Request

from core.login_requirement import logins_required
from events import timeseries
from events.contract.schema import Event
from events.processing import executions, help_requests, notifications
from instructors import audit
from instructors.models import Instructor
from lms.access import Scope
from lms.models import Student, StudentClass
from realtime import groups, messages
from realtime.broadcast import best_effort, notify

BY = "instructor"
HELP_ENDINGS = {help_requests.Ending.DISMISSED: "help_dismiss", help_requests.Ending.RESOLVED: "help_resolve"}


def dismiss_help(
    student: Student, *, scope: Scope, by: Instructor | None, request: HttpRequest | Request | None, now: datetime
) -> bool:
    """Dismiss the student's help requests in these classes; re-sends by their JupyterLab are ignored from then on.

    Return whether a request was open. The student is notified in any case: their button may still be on.
    """
    return end_help(student, scope=scope, ending=help_requests.Ending.DISMISSED, by=by, request=request, now=now)


def end_help(
    student: Student,
    *,
    scope: Scope,
    ending: help_requests.Ending,
    by: Instructor | None,
    request: HttpRequest | Request | None,
    now: datetime,
) -> bool:
    """End the student's help requests in these classes, with any ending; see `dismiss_help`."""
    with transaction.atomic():
        transitions = help_requests.end_by_instructor(
            student.pk, scope=scope, ending=ending, instructor_id=by.pk if by else None, now=now
        )
        _record(HELP_ENDINGS[ending], student, by, request, {"was_asking": bool(transitions)})
    if transitions:
        best_effort(lambda: notifications.announce_transitions(transitions))
        best_effort(lambda: timeseries.write_resolution(_event("help_stop", student, now), resolved_by=_name(by)))
    frame, class_ids = messages.DismissHelp(student.email), _classes(student, scope)
    recipients = [
        name
        for channel in ("client", "notifications", "help")
        for name in groups.student_groups(channel, student_id=student.pk, email=student.email, class_ids=class_ids)
    ]
    if not logins_required():
        # A client may have joined under another name; it reacts to its own address only.
        recipients.append(groups.BROADCAST)
    notify(recipients, frame, also_outside=True)
    return bool(transitions)


def resolve_error(
    student: Student, *, scope: Scope, by: Instructor | None, request: HttpRequest | Request | None, now: datetime
) -> bool:
    """Resolve the student's errors up to now in these classes. Return whether any were flagged."""
    with transaction.atomic():
        flagged = executions.resolve_errors(student.pk, scope=scope, now=now)
        _record("error_resolve", student, by, request, {"was_flagged": flagged})
    best_effort(lambda: notifications.announce_resolution(student.pk, scope=scope, resolved_by=BY, resolved_at=now))
    best_effort(lambda: timeseries.write_resolution(_event("error_resolved", student, now), resolved_by=_name(by)))
    return flagged


def _classes(student: Student, scope: Scope) -> list[int]:
    """Return the ids of the student's classes within the scope; requests in other classes stay open."""
    enrolled = StudentClass.objects.filter(scope.q("class_ref_id"), student_id=student.pk)
    return list(enrolled.values_list("class_ref_id", flat=True))


def _record(
    action: str,
    student: Student,
    by: Instructor | None,
    request: HttpRequest | Request | None,
    details: dict[str, bool],
) -> None:
    audit.record(
        action, actor=by, request=request, target_type="student", target_id=student.email, details=dict(details)
    )


def _name(by: Instructor | None) -> str:
    return by.email if by else BY


def _event(kind: str, student: Student, now: datetime) -> Event:
    """Return the event for the time series, as if a client had sent it."""
    moment = int(now.timestamp() * 1000)
    return Event(
        event_id=str(uuid.uuid4()),
        event_type=kind,
        time=moment,
        received=moment,
        email=student.email,
        name=student.name,
        team=student.team.team_name if student.team else None,
    )
