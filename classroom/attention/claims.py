"""Claims: which instructor is on the way to which student, because of a help request or a detected case."""

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
    """Return the claims by student id, in these classes. Two queries, whatever the number of students."""
    of_them = {"student__in": list(student_ids), "ended_at": None, "claimed_by__isnull": False}
    help_requests = HelpRequest.objects.filter(scope.q(), **of_them).select_related("claimed_by").order_by("pk")
    cases = AttentionCase.objects.filter(cases_in(scope), **of_them).select_related("claimed_by").order_by("pk")
    return active_claims([*help_requests, *cases], now=now)


def cases_in(scope: Scope) -> Q:
    """Return a filter for the cases of these classes; cases without a class only in the admins' unlimited scope."""
    return Q() if scope.class_ids is None else Q(class_ref__in=scope.class_ids)


def active_claims(rows: Iterable[HelpRequest | AttentionCase], *, now: datetime) -> dict[int, Claim]:
    """Return those claims that have not expired. `claimed_by` should be loaded."""
    return {
        row.student_id: Claim(by_id=row.claimed_by.pk, by=row.claimed_by.name, at=row.claimed_at)
        for row in rows
        if row.claimed_by and row.claimed_at and now - row.claimed_at <= CLAIM_LASTS
    }
