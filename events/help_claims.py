"""Who is on the way to somebody who asks for help. Settled by conditional updates: of two at once, one wins."""

from datetime import datetime, timedelta

from django.db.models import Q

from events.models import HelpRequest
from lms.access import Scope

# A visit that was announced this long ago is over or forgotten: the student may be claimed again.
CLAIM_LASTS = timedelta(minutes=30)


def claim(student_id: int, *, scope: Scope, instructor_id: int, now: datetime) -> bool:
    """Whether the student asks in these classes and this instructor is now the one who goes. One statement."""
    free = Q(claimed_by=None) | Q(claimed_by=instructor_id) | Q(claimed_at__lt=now - CLAIM_LASTS)
    found = HelpRequest.objects.filter(free, scope.q(), student=student_id, ended_at=None)
    return found.update(claimed_by=instructor_id, claimed_at=now) > 0


def release(student_id: int, *, scope: Scope) -> bool:
    """Nobody is on the way any more. Whether somebody was. One statement."""
    found = HelpRequest.objects.filter(scope.q(), student=student_id, ended_at=None).exclude(claimed_by=None)
    return found.update(claimed_by=None, claimed_at=None) > 0
