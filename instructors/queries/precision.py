"""How often the detector was right, by what instructors said of its concerns. Requests for help are none of its."""

from dataclasses import dataclass

from django.db.models import Count, Q

from instructors.models import AttentionCase

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


def precision_of(class_id: int | None) -> Precision:
    """Helped, of helped and "not needed", in this room and in all. One query.

    A case that ended with another of the same student has nobody who ended it, and counts once.
    """
    judged = AttentionCase.objects.filter(
        outcome__in=[Outcome.HELPED, Outcome.DISMISSED], ended_by__isnull=False
    ).exclude(code="help")
    here = Q(class_ref=class_id) if class_id is not None else Q(class_ref=None)
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
