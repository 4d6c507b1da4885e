"""Extensions of due dates: grant or withdraw one, record it in the audit log, and notify the student."""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext
from rest_framework.request import Request

from core.time_formats import moment_text, zone_name
from instructors import audit
from instructors.models import Instructor
from lms.due_dates import own_due
from lms.models import ClassAssignment, DueDateExtension, Student
from lms.notices import announce_due_date
from lms.notifications import store_due_date

NO_DUE_DATE, NOT_LATER = "no_due_date", "not_later"


class ExtensionRefused(Exception):
    """The extension would have no effect. `code` is NO_DUE_DATE or NOT_LATER. Nothing was written."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def words(self) -> str:
        """Return what forms say, in the language of the page."""
        if self.code == NO_DUE_DATE:
            return gettext("This assignment has no due date. Give it one first.")
        return gettext("Choose a time after everybody's due date.")


def refuse_unless_later(assignment: ClassAssignment, until: datetime) -> None:
    """Raise ExtensionRefused unless the time is after the assignment's own due date."""
    if assignment.due_date is None:
        raise ExtensionRefused(NO_DUE_DATE)
    if until <= assignment.due_date:
        raise ExtensionRefused(NOT_LATER)


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
    """Grant an extension, or replace the student's earlier one. The student is told if their due date is another one
    now. Raises ExtensionRefused."""
    refuse_unless_later(assignment, until)
    columns = {"due_date": until, "reason": reason, "granted_by": by, "granted_at": now}
    of_student = DueDateExtension.objects.filter(assignment=assignment, student=student_id)
    with transaction.atomic():
        earlier = of_student.values_list("due_date", flat=True).first()
        granted, _ = DueDateExtension.objects.update_or_create(
            assignment=assignment, student_id=student_id, defaults=columns
        )
        _record("extension_grant", assignment, student_id, by=by, request=request)
    if own_due(assignment, earlier) != until:
        _tell(student_id, assignment, gettext("You may hand in until %(due)s (%(zone)s)."), due=until, now=now)
    return granted


def withdraw(
    extension: DueDateExtension, *, by: Instructor | None, request: HttpRequest | Request | None, now: datetime
) -> None:
    """Delete an extension: the due date of the assignment holds again, and the student is told."""
    assignment, due = extension.assignment, extension.assignment.due_date
    with transaction.atomic():
        _record("extension_withdraw", assignment, extension.student_id, by=by, request=request)
        extension.delete()
    if due is not None and own_due(assignment, extension.due_date) != due:
        words = gettext("You no longer have an extension: hand in by %(due)s (%(zone)s).")
        _tell(extension.student_id, assignment, words, due=due, now=now)


def _tell(student_id: int, assignment: ClassAssignment, words: str, *, due: datetime, now: datetime) -> None:
    """Store what the student reads, in the language of whoever changed it, as a hint is; announce it once it is
    committed."""
    student = Student.objects.get(pk=student_id)
    text = words % {"due": moment_text(due), "zone": zone_name()}
    notice = store_due_date(student, assignment, text=text, now=now)
    transaction.on_commit(lambda: announce_due_date(notice, student))


def _record(
    action: str,
    assignment: ClassAssignment,
    student_id: int,
    *,
    by: Instructor | None,
    request: HttpRequest | Request | None,
) -> None:
    audit.record(action, assignment, actor=by, request=request, details={"student_id": student_id})
