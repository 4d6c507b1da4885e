"""Claiming help requests: which instructor is on the way. Conditional updates let only one of two claims succeed."""

from datetime import datetime, timedelta

from django.db.models import Q

from events.models import HelpRequest
from lms.access import Scope

# After this time a claim has expired, and another instructor may claim the request.
CLAIM_LASTS = timedelta(minutes=30)


def claim(student_id: int, *, scope: Scope, instructor_id: int, now: datetime) -> bool:
    """Claim the student's open requests in these classes. Return whether one was claimed. One statement."""
    free = Q(claimed_by=None) | Q(claimed_by=instructor_id) | Q(claimed_at__lt=now - CLAIM_LASTS)
    found = HelpRequest.objects.filter(free, scope.q(), student=student_id, ended_at=None)
    return found.update(claimed_by=instructor_id, claimed_at=now) > 0


def release(student_id: int, *, scope: Scope) -> bool:
    """Release the claims in these classes. Return whether there was one. One statement."""
    found = HelpRequest.objects.filter(scope.q(), student=student_id, ended_at=None).exclude(claimed_by=None)
    return found.update(claimed_by=None, claimed_at=None) > 0
