"""How often the detector was right, by what instructors said of its concerns. Requests for help are none of its."""

from dataclasses import dataclass

from django.db.models import Count, Q

from classroom.attention.models import AttentionCase
from lms.access import User, classes_of

LEAST_VISITS = 5  # a share of fewer says nothing
Outcome = AttentionCase.Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Visits:
    worth_it: int
    visits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Precision:
    here: Visits
    overall: Visits


def precision_of(class_id: int | None, *, viewer: User) -> Precision:
    """Helped, of helped and "not needed", in this room and in all rooms of this viewer's classes; for an admin in all
    there are. What colleagues found in their rooms is theirs: counts of a few visits would tell it. One query.

    A case that ended with another of the same student has nobody who ended it, and counts once.
    """
    judged = AttentionCase.objects.filter(
        outcome__in=[Outcome.HELPED, Outcome.DISMISSED], ended_by__isnull=False
    ).exclude(code="help")
    here = Q(class_ref=class_id) if class_id is not None else Q(class_ref=None)
    if not viewer.is_admin:
        judged = judged.filter(here | Q(class_ref__in=classes_of(viewer).values("pk")))
    helped = Q(outcome=Outcome.HELPED)
    found = judged.aggregate(
        visits=Count("pk"),
        worth_it=Count("pk", filter=helped),
        visits_here=Count("pk", filter=here),
        worth_it_here=Count("pk", filter=here & helped),
    )
    return Precision(
        here=Visits(worth_it=found["worth_it_here"], visits=found["visits_here"]),
        overall=Visits(worth_it=found["worth_it"], visits=found["visits"]),
    )
