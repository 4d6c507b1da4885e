"""Copies of assignments, into the same class or another one, with their dates moved by whole days.

A copy has the settings, the starter notebook, the rubric and the comments of the assignment; no people, and nothing of
theirs: no hand-ins, grades or extensions.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from instructors import audit
from instructors.models import Instructor
from lms.dates import doubt
from lms.models import AssignmentStarter, Class, ClassAssignment, RubricItem, SavedComment

A_YEAR = 364  # days: 52 weeks, so that days of the week stay
COPIED = ("notebook_id", "title", "description", "points", "weight")


class ImplausibleDate(Exception):
    """A moved date is in no plausible year. Nothing was written."""


def moved(moment: datetime | None, *, days: int, now: datetime) -> datetime | None:
    """Return the time that many days later by the clock of the server's zone, whose offset may change in between.
    Raises ImplausibleDate."""
    if moment is None:
        return None
    zone = timezone.get_current_timezone()
    try:
        found = (moment.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
    except OverflowError:
        raise ImplausibleDate from None
    if doubt(found.year, now=now) is not None:
        raise ImplausibleDate
    return found


def copy_assignments(
    assignments: Iterable[ClassAssignment],
    *,
    to: Class,
    days: int,
    by: Instructor,
    request: HttpRequest,
    now: datetime,
) -> list[ClassAssignment]:
    """Copy the assignments into the class, in their order. Announces nothing. Raises ImplausibleDate."""
    made = []
    with transaction.atomic():
        for original in assignments:
            copy = ClassAssignment.objects.create(
                class_ref=to,
                due_date=moved(original.due_date, days=days, now=now),
                **{name: getattr(original, name) for name in COPIED},
            )
            _copy_parts(original, copy, now=now)
            audit.record("assignment_create", copy, actor=by, request=request, details={"copy_of": original.pk})
            made.append(copy)
    return made


def _copy_parts(original: ClassAssignment, copy: ClassAssignment, *, now: datetime) -> None:
    for starter in AssignmentStarter.objects.filter(assignment=original):
        AssignmentStarter.objects.create(
            assignment=copy, content=starter.content, content_sha256=starter.content_sha256, uploaded_at=now
        )
    RubricItem.objects.bulk_create(
        RubricItem(assignment=copy, position=item.position, text=item.text, points=item.points)
        for item in RubricItem.objects.filter(assignment=original)
    )
    SavedComment.objects.bulk_create(
        SavedComment(assignment=copy, text=comment.text) for comment in SavedComment.objects.filter(assignment=original)
    )
