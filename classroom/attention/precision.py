"""The detector's precision, by the feedback of instructors. Help requests do not count."""

from dataclasses import dataclass

from django.db.models import Count, Q

from classroom.attention.models import AttentionCase
from lms.access import User, classes_of

MIN_VISITS = 5  # a share of fewer means nothing
Outcome = AttentionCase.Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Visits:
    worth_it: int
    visits: int


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
