"""The due date that holds for one student: that of the assignment, or a later one from an extension.

An extension never shortens: if the assignment's own due date is moved past it, that one holds. An assignment without a
due date has none for anybody.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Greatest

from lms.dates import PlausibleDateTimeField
from lms.models import AssignmentSubmission, ClassAssignment, DueDateExtension

Extended = dict[tuple[int, int], datetime]  # by assignment and student


def own_due(assignment: ClassAssignment, extended: datetime | None) -> datetime | None:
    """Return the due date that holds for a student whose extension, if any, is until `extended`."""
    due: datetime | None = assignment.due_date
    return due if due is None or extended is None else max(due, extended)


def extended_dates(assignments: Collection[ClassAssignment], *, students: Collection[int] | None = None) -> Extended:
    """Return the extensions to these assignments, of all students or of these. One query."""
    rows = DueDateExtension.objects.filter(assignment__in=[each.pk for each in assignments])
    if students is not None:
        rows = rows.filter(student__in=students)
    found = rows.order_by().values_list("assignment", "student", "due_date")
    return {(assignment, student): due for assignment, student, due in found}


def with_own_due(rows: QuerySet[AssignmentSubmission]) -> QuerySet[AssignmentSubmission]:
    """Annotate submissions with `own_due`, by the same rule."""
    extensions = DueDateExtension.objects.filter(assignment=OuterRef("assignment"), student=OuterRef("student"))
    extended = Subquery(extensions.order_by().values("due_date")[:1])
    # Of a date and NULL PostgreSQL's GREATEST is the date.
    holds = Case(
        When(assignment__due_date=None, then=None),
        default=Greatest(F("assignment__due_date"), extended),
        output_field=PlausibleDateTimeField(),
    )
    return rows.annotate(own_due=holds)
