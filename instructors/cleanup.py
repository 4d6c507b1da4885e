"""What instructors' accounts leave behind, and who needs no longer: done once an hour (`events.worker.cleanup`)."""

from datetime import datetime

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session

from instructors.models import RevokedToken


def forget_sessions(*, now: datetime) -> int:
    """Logins of the pages that have expired; the same as `manage.py clearsessions`. One statement."""
    return Session.objects.filter(expire_date__lt=now).delete()[0]


def forget_revoked_tokens(*, now: datetime) -> int:
    """A token that has expired opens nothing, revoked or not (models.md section 4). One statement."""
    return RevokedToken.objects.filter(expires_at__lt=now).delete()[0]


def forget_failed_logins(*, now: datetime) -> int:
    """What locks nobody out any more. One statement."""
    over = AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME)
    return int(over.delete()[0])
