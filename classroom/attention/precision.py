"""The precision of the list, by the feedback of instructors, and what it missed: who asked without being listed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q

from classroom.attention.models import AttentionCase
from events.models import HelpRequest
from lms.access import Scope, User, classes_of

LESSON = timedelta(hours=12)  # what has been asked in a lesson, and in the one before lunch
LISTED_BEFORE = timedelta(minutes=15)  # before asking: the list had found the student
MIN_VISITS = 5  # a share of fewer means nothing
Outcome = AttentionCase.Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Visits:
    worth_it: int
    visits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Requests for help of this lesson, and how many of them by students whom the list had not shown before."""

    requests: int
    missed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Precision:
    in_class: Visits
    overall: Visits


def precision_of(class_id: int | None, *, viewer: User) -> Precision:
    """Return the number of cases that were helped, of those helped or dismissed as not needed: in this class, and in
    all classes of the viewer (an admin: in all). One query.

    Cases of other classes are excluded, since counts of a few visits would reveal colleagues' feedback. A case that
    ended together with another case of the same student has no `ended_by` and is not counted.
    """
    judged = AttentionCase.objects.filter(
        outcome__in=[Outcome.HELPED, Outcome.DISMISSED], ended_by__isnull=False
    ).exclude(code="help")
    in_class = Q(class_ref=class_id) if class_id is not None else Q(class_ref=None)
    if not viewer.is_admin:
        judged = judged.filter(in_class | Q(class_ref__in=classes_of(viewer).values("pk")))
    helped = Q(outcome=Outcome.HELPED)
    found = judged.aggregate(
        visits=Count("pk"),
        worth_it=Count("pk", filter=helped),
        visits_here=Count("pk", filter=in_class),
        worth_it_here=Count("pk", filter=in_class & helped),
    )
    return Precision(
        in_class=Visits(worth_it=found["worth_it_here"], visits=found["visits_here"]),
        overall=Visits(worth_it=found["worth_it"], visits=found["visits"]),
    )


def asked_in(class_id: int | None, *, scope: Scope, now: datetime) -> Asked:
    """Return how many asked in the last hours, and whom of them the list of this class had missed. One query."""
    in_class = Q(class_ref=class_id) if class_id is not None else Q(class_ref=None)
    listed = AttentionCase.objects.filter(
        in_class,
        Q(ended_at=None) | Q(ended_at__gte=OuterRef("asked_at") - LISTED_BEFORE),
        student=OuterRef("student"),
        opened_at__lt=OuterRef("asked_at"),
    ).exclude(code="help")
    asked = HelpRequest.objects.filter(scope.q(), asked_at__gt=now - LESSON).annotate(was_listed=Exists(listed))
    found = asked.aggregate(requests=Count("pk"), missed=Count("pk", filter=Q(was_listed=False)))
    return Asked(**found)
