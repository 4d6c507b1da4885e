"""Who is on the way to whom: claims of requests for help and of detected concerns are one thing to whoever looks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from classroom.attention.models import AttentionCase
from events.help_claims import CLAIM_LASTS
from events.models import HelpRequest
from lms.access import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    by_id: int
    by: str
    at: datetime


def claims_of(student_ids: Iterable[int], *, scope: Scope, now: datetime) -> dict[int, Claim]:
    """By student, in these classes. Two queries, whatever the number."""
    of_them = {"student__in": list(student_ids), "ended_at": None, "claimed_by__isnull": False}
    tickets = HelpRequest.objects.filter(scope.q(), **of_them).select_related("claimed_by").order_by("pk")
    cases = AttentionCase.objects.filter(cases_in(scope), **of_them).select_related("claimed_by").order_by("pk")
    return claims_in([*tickets, *cases], now=now)


def cases_in(scope: Scope) -> Q:
    """The cases of these classes; those of the room of everybody, which admins alone open, where everything is seen."""
    return Q() if scope.class_ids is None else Q(class_ref__in=scope.class_ids)


def claims_in(held: Iterable[HelpRequest | AttentionCase], *, now: datetime) -> dict[int, Claim]:
    """The claims among these that still hold. Their `claimed_by` should be loaded."""
    return {
        one.student_id: Claim(by_id=one.claimed_by.pk, by=one.claimed_by.name, at=one.claimed_at)
        for one in held
        if one.claimed_by and one.claimed_at and now - one.claimed_at <= CLAIM_LASTS
    }
