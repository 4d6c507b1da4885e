"""Grading, wherever it happens: what is stored, noted in the audit log and told to the student.

The API's PUT (lms.api.audited_views), the grading page and the admin site all end in `note_change` and
`lms.notices.announce_grade`, by the one rule of `lms.submissions.is_grade_notice_due`.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from rest_framework.request import Request

from instructors import audit
from instructors.models import AuditLog, Instructor
from instructors.rest.parameters import change
from lms.models import AssignmentSubmission
from lms.notices import announce_grade
from lms.submissions import GRADED, RETURNED, SUBMITTED, is_grade_notice_due

CHANGED = "submission_update"


@dataclass(frozen=True, kw_only=True)
class Grade:
    """What somebody gives: `points` may be None for feedback alone; returning ends the work on it."""

    points: float | None
    feedback: str | None
    is_returned: bool = False

    def changes_to(self, status: str) -> dict[str, Any]:
        """The columns that it writes into a submission of that status."""
        return {"grade": self.points, "feedback": self.feedback, "status": self._status(status.lower(), status)}

    def _status(self, known: str, status: str) -> str:
        if self.is_returned or known == RETURNED:
            return RETURNED
        if self.points is not None:
            return GRADED
        return SUBMITTED if known == GRADED else status


class GradedMeanwhile(Exception):
    """Somebody else graded it after the form was opened. Nothing was written."""

    def __init__(self, submission: AssignmentSubmission, by: str | None, at: datetime | None) -> None:
        super().__init__("graded meanwhile")
        self.submission, self.by, self.at = submission, by, at


def version_token(submission: AssignmentSubmission) -> str:
    """What a form saw, in short: another seal, another grade."""
    seen = json.dumps([submission.status, submission.grade, submission.feedback])
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


def give_grade(
    submission_id: int, grade: Grade, *, seen: str, by: Instructor, request: HttpRequest | None
) -> AssignmentSubmission:
    """Store it, unless it is no longer as the form saw it (`seen`, a seal); then raise GradedMeanwhile.

    The same again (a double click) changes nothing and tells nobody. The row is locked, so one of two wins.
    """
    with transaction.atomic():
        rows = AssignmentSubmission.objects.select_related("assignment", "student").defer("notebook_content")
        found = rows.select_for_update(of=("self",)).get(pk=submission_id)
        before, changes = found.status, grade.changes_to(found.status)
        if all(getattr(found, name) == value for name, value in changes.items()):
            return found
        if version_token(found) != seen:
            raise GradedMeanwhile(found, *last_change(found.pk))
        change(found, changes)
        record_change(found, fields=changes, by=by, request=request)
    if is_grade_notice_due(before=before, changes=changes):
        announce_grade(found)
    return found


def record_change(
    submission: AssignmentSubmission,
    *,
    fields: Iterable[str],
    by: Instructor | None,
    request: HttpRequest | Request | None,
    action: str = CHANGED,
) -> None:
    """Which fields were written, never what: a grade has no place in the log."""
    audit.record(
        action=action,
        actor=by,
        request=request,
        target_type=submission._meta.model_name,
        target_id=submission.pk,
        details={"fields": sorted(fields)},
    )


def last_change(submission_id: int) -> tuple[str | None, datetime | None]:
    """Who changed it last, by name, and when. Two queries."""
    changes = AuditLog.objects.filter(
        action=CHANGED, target_type=AssignmentSubmission._meta.model_name, target_id=str(submission_id)
    )
    last = changes.order_by("-pk").first()  # by the index of an action's latest entries
    if last is None:
        return None, None
    actor = Instructor.objects.filter(pk=last.actor_id).first() if last.actor_id else None
    return actor.name if actor else last.actor_email, last.occurred_at
