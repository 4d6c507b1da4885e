"""Claims: which instructor is on the way to which student, because of a help request or a detected case.

Claiming is a conditional update of both kinds of row, so that only one of two instructors succeeds. When a claim
expires is decided here and nowhere else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from classroom.attention.models import AttentionCase
from classroom.base.classrooms import Classroom
from events.models import HelpRequest
from instructors.models import Instructor
from lms.access import Scope

# After this time a claim has expired, and another instructor may claim the student.
CLAIM_LASTS = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    by_id: int
    by: str
    at: datetime


def may_act(classroom: Classroom, claim: Claim | None, user: Instructor) -> bool:
    """Return whether the user may act: a claimed student belongs to the claimant, teachers of the class and admins."""
    return claim is None or claim.by_id == user.pk or classroom.may_teach


def claim(student_id: int, *, scope: Scope, instructor_id: int, now: datetime) -> bool:
    """Claim what is open about the student in these classes, and end its snoozes. Return whether anything was claimed.
    Two statements."""
    free = Q(claimed_by=None) | Q(claimed_by=instructor_id) | Q(claimed_at__lt=now - CLAIM_LASTS)
    help_requests, cases = _open_rows([student_id], scope)
    columns = {"claimed_by": instructor_id, "claimed_at": now}
    claimed = help_requests.filter(free).update(**columns)
    return claimed + cases.filter(free).update(**columns, snoozed_until=None) > 0


def release(student_id: int, *, scope: Scope) -> None:
    """Release the claims on the student in these classes. Two statements."""
    for rows in _open_rows([student_id], scope):
        rows.update(claimed_by=None, claimed_at=None)


def claims_of(student_ids: Iterable[int], *, scope: Scope, now: datetime) -> dict[int, Claim]:
    """Return the claims by student id, in these classes. Two queries, whatever the number of students."""
    help_requests, cases = (
        rows.exclude(claimed_by=None).select_related("claimed_by").order_by("pk")
        for rows in _open_rows(student_ids, scope)
    )
    return active_claims([*help_requests, *cases], now=now)


def active_claims(rows: Iterable[HelpRequest | AttentionCase], *, now: datetime) -> dict[int, Claim]:
    """Return those claims that have not expired, by student id. `claimed_by` should be loaded."""
    return {
        row.student_id: Claim(by_id=row.claimed_by.pk, by=row.claimed_by.name, at=row.claimed_at)
        for row in rows
        if row.claimed_by and row.claimed_at and is_claimed(row, now=now)
    }


def is_claimed(row: HelpRequest | AttentionCase, *, now: datetime) -> bool:
    """Return whether somebody is on the way: a claim that has not expired."""
    return row.claimed_at is not None and now - row.claimed_at <= CLAIM_LASTS


def cases_in(scope: Scope) -> Q:
    """Return a filter for the cases of these classes; cases without a class only in the admins' unlimited scope."""
    return Q() if scope.class_ids is None else Q(class_ref__in=scope.class_ids)


def _open_rows(student_ids: Iterable[int], scope: Scope) -> tuple[QuerySet[HelpRequest], QuerySet[AttentionCase]]:
    of_them = {"student__in": list(student_ids), "ended_at": None}
    return HelpRequest.objects.filter(scope.q(), **of_them), AttentionCase.objects.filter(cases_in(scope), **of_them)
