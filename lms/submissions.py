"""Derived values of submissions: attempt, lateness, and whether they are graded.

`status` is free text (http.md section 5); the known values are compared without case.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Lower

from lms.dates import REST_OF_THE_MINUTE, deadline
from lms.models import AssignmentSubmission

SUBMITTED, GRADED, RETURNED = "submitted", "graded", "returned"


def with_attempt(rows: QuerySet[AssignmentSubmission]) -> QuerySet[AssignmentSubmission]:
    """Annotate `attempt`: 1 for the student's first submission to the assignment, in order of arrival."""
    earlier = (
        AssignmentSubmission.objects.filter(
            assignment=OuterRef("assignment"), student=OuterRef("student"), pk__lte=OuterRef("pk")
        )
        .order_by()
        .values("assignment", "student")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return rows.annotate(attempt=Subquery(earlier, output_field=IntegerField()))


def latest(rows: QuerySet[AssignmentSubmission]) -> QuerySet[AssignmentSubmission]:
    """Filter the newest submission of each student to each assignment, the one that counts. Unordered."""
    newest = rows.order_by("assignment_id", "student_id", "-submitted_at", "-pk").distinct(
        "assignment_id", "student_id"
    )
    return AssignmentSubmission.objects.filter(pk__in=newest.values("pk")).order_by()


def late_by(submission: AssignmentSubmission) -> timedelta | None:
    """Return how long after the student's due date it was submitted; None if in time or without a due date.

    For rows of `lms.due_dates.with_own_due`.
    """
    return lateness(submission.submitted_at, submission.own_due)  # type: ignore[attr-defined]


def lateness(submitted_at: datetime, due: datetime | None) -> timedelta | None:
    """Return how long after the due date it was submitted; None if in time or without a due date."""
    return submitted_at - due if due is not None and is_over(due, now=submitted_at) else None


def is_over(due: datetime | None, *, now: datetime) -> bool:
    """Return whether it is too late now. A due time without seconds counts until the end of its minute
    (lms.dates.deadline)."""
    return due is not None and now > deadline(due)


def is_graded(submission: AssignmentSubmission) -> bool:
    """Return whether it has a grade, or the status `graded` or `returned`."""
    return submission.grade is not None or submission.status.lower() in (GRADED, RETURNED)


def is_grade_notice_due(*, before: str | None, changes: Mapping[str, Any]) -> bool:
    """Return whether to notify the student of a change: a grade is set, or the status becomes `graded` (http.md section
    5). `before` is the earlier status; None for a new row."""
    return changes.get("grade") is not None or (changes.get("status") == GRADED and before != GRADED)


# The same rules in SQL. IS_LATE is for rows of `lms.due_dates.with_own_due`.
class WholeMinute(Func):
    template = "date_trunc('minute', %(expressions)s)"
    output_field = DateTimeField()


DUE = F("own_due")
DEADLINE = Case(
    When(
        own_due=WholeMinute("own_due"),
        then=ExpressionWrapper(DUE + REST_OF_THE_MINUTE, output_field=DateTimeField()),
    ),
    default=DUE,
    output_field=DateTimeField(),
)
IS_LATE = Q(submitted_at__gt=DEADLINE)


def with_known_status(rows: QuerySet[AssignmentSubmission]) -> QuerySet[AssignmentSubmission]:
    """Annotate `known_status`, for IS_GRADED and IS_RETURNED."""
    return rows.annotate(known_status=Lower("status"))


IS_RETURNED = Q(known_status=RETURNED)
IS_GRADED = Q(grade__isnull=False) | Q(known_status__in=(GRADED, RETURNED))
