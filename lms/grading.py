"""Grading: store a grade, record it in the audit log, notify the student.

The pages, the API and the admin site all change submissions through this module: the row is locked, and they record and
notify by the same rule, `lms.submissions.is_grade_notice_due`.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.request import Request

from instructors import audit
from instructors.models import AuditLog, Instructor
from instructors.rest.parameters import change
from lms.models import AssignmentSubmission
from lms.notices import announce_grade
from lms.submissions import GRADED, RETURNED, SUBMITTED, is_grade_notice_due

CREATED, CHANGED = "submission_create", "submission_update"  # in the audit log

AnyRequest = HttpRequest | Request
MOVES = {"assignment", "assignment_id", "student", "student_id"}
NotifyStudent = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Grade:
    """A grade: `points` is None for feedback alone; a returned submission is finished. `ticked` are the ids of items of
    the rubric; None leaves those that are ticked."""

    points: float | None
    feedback: str | None
    is_returned: bool = False
    ticked: Collection[int] | None = None

    def changes_to(self, status: str) -> dict[str, Any]:
        """Return the columns to write into a submission with that status."""
        columns = {"grade": self.points, "feedback": self.feedback, "status": self._status(status.lower(), status)}
        return columns if self.ticked is None else {**columns, "ticked_items": sorted(self.ticked) or None}

    def _status(self, lowered: str, status: str) -> str:
        if self.is_returned or lowered == RETURNED:
            return RETURNED
        if self.points is not None:
            return GRADED
        return SUBMITTED if lowered == GRADED else status


class GradedMeanwhile(Exception):
    """The submission was graded after the form was opened. Nothing was written."""

    def __init__(self, submission: AssignmentSubmission, by: str | None, at: datetime | None) -> None:
        super().__init__("graded meanwhile")
        self.submission, self.by, self.at = submission, by, at


def version_token(submission: AssignmentSubmission) -> str:
    """Return a hash of the graded columns. A form sends it back, so that a change in between is detected."""
    seen = json.dumps([submission.status, submission.grade, submission.feedback, submission.ticked_items])
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


def give_grade(
    submission_id: int, grade: Grade, *, seen: str, by: Instructor, request: HttpRequest | None
) -> AssignmentSubmission:
    """Store a grade and notify the student. Raises GradedMeanwhile if the submission no longer has the version token
    `seen`, as the form showed it.

    The same grade again (a double click) changes nothing and notifies nobody. The row is locked.
    """
    with transaction.atomic():
        found = locked_submissions().get(pk=submission_id)
        changes = grade.changes_to(found.status)
        if all(getattr(found, name) == value for name, value in changes.items()):
            return found
        refuse_if_graded_meanwhile(found, seen=seen)
        notify_student = write(found, changes, by=by, request=request)
    notify_student()
    return found


def refuse_if_graded_meanwhile(locked: AssignmentSubmission, *, seen: str) -> None:
    """Raise GradedMeanwhile if the submission, whose row is locked, no longer has the version token `seen`."""
    if version_token(locked) != seen:
        raise GradedMeanwhile(locked, *last_change(locked.pk))


def locked_submissions() -> QuerySet[AssignmentSubmission]:
    """Return all submissions, to be read one by one with a lock on the row, without their notebooks."""
    rows = AssignmentSubmission.objects.select_related("assignment", "student").defer("notebook_content")
    return rows.select_for_update(of=("self",))


def write(
    locked: AssignmentSubmission, changes: Mapping[str, Any], *, by: Instructor | None, request: AnyRequest | None
) -> NotifyStudent:
    """Write these columns of a submission, whose row is locked, and record it. Call the result after the commit.

    A submission that is given to another student or assignment is not what its sender's idempotency key stands for.
    """
    before = locked.status
    change(locked, changes if MOVES.isdisjoint(changes) else {**changes, "idempotency_key": None})
    return record(locked, changes, before=before, by=by, request=request)


def record(
    submission: AssignmentSubmission,
    changes: Mapping[str, Any],
    *,
    before: str | None,
    by: Instructor | None,
    request: AnyRequest | None,
) -> NotifyStudent:
    """Record in the audit log which columns were changed, never their values. `before` is the status that it had, None
    for a new submission. Return a function that notifies the student, if that is due: call it after the commit."""
    if changes or before is None:
        audit.record(
            CREATED if before is None else CHANGED,
            submission,
            actor=by,
            request=request,
            details={"fields": [] if before is None else sorted(changes)},
        )
    is_due = is_grade_notice_due(before=before, changes=changes)
    return partial(announce_grade, submission) if is_due else lambda: None


def last_change(submission_id: int) -> tuple[str | None, datetime | None]:
    """Return the name of the account that changed the submission last, and the time. Two queries."""
    changes = AuditLog.objects.filter(
        action=CHANGED, target_type=AssignmentSubmission._meta.model_name, target_id=str(submission_id)
    )
    last = changes.order_by("-pk").first()  # by the index of an action's latest entries
    if last is None:
        return None, None
    actor = Instructor.objects.filter(pk=last.actor_id).first() if last.actor_id else None
    return actor.name if actor else last.actor_email, last.occurred_at
