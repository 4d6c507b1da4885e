"""Extensions of due dates: grant or withdraw one, and record it in the audit log."""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest
from rest_framework.request import Request

from instructors import audit
from instructors.models import Instructor
from lms.models import ClassAssignment, DueDateExtension

NO_DUE_DATE, NOT_LATER = "no_due_date", "not_later"


class ExtensionRefused(Exception):
    """The extension would have no effect. `code` is NO_DUE_DATE or NOT_LATER. Nothing was written."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def extend(
    assignment: ClassAssignment,
    student_id: int,
    *,
    until: datetime,
    reason: str | None,
    by: Instructor | None,
    request: HttpRequest | Request | None,
    now: datetime,
) -> DueDateExtension:
    """Grant an extension, or replace the student's earlier one. Raises ExtensionRefused."""
    if assignment.due_date is None:
        raise ExtensionRefused(NO_DUE_DATE)
    if until <= assignment.due_date:
        raise ExtensionRefused(NOT_LATER)
    columns = {"due_date": until, "reason": reason, "granted_by": by, "granted_at": now}
    with transaction.atomic():
        granted, _ = DueDateExtension.objects.update_or_create(
            assignment=assignment, student_id=student_id, defaults=columns
        )
        _record("extension_grant", assignment, student_id, by=by, request=request)
    return granted


def withdraw(extension: DueDateExtension, *, by: Instructor | None, request: HttpRequest | Request | None) -> None:
    """Delete an extension: the due date of the assignment holds again."""
    with transaction.atomic():
        _record("extension_withdraw", extension.assignment, extension.student_id, by=by, request=request)
        extension.delete()


def _record(
    action: str,
    assignment: ClassAssignment,
    student_id: int,
    *,
    by: Instructor | None,
    request: HttpRequest | Request | None,
) -> None:
    audit.record(action, assignment, actor=by, request=request, details={"student_id": student_id})
