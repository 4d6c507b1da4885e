"""Delete what accounts leave behind and nobody needs any more: once an hour (`events.worker.cleanup`)."""

from datetime import datetime

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session

from instructors.models import RevokedToken


def delete_expired_sessions(*, now: datetime) -> int:
    """Delete logins of the pages that have expired, as `manage.py clearsessions` does. One statement."""
    return Session.objects.filter(expire_date__lt=now).delete()[0]


def delete_expired_tokens(*, now: datetime) -> int:
    """Delete revocations of tokens that have expired since (models.md section 4). One statement."""
    return RevokedToken.objects.filter(expires_at__lt=now).delete()[0]


def delete_old_login_failures(*, now: datetime) -> int:
    """Delete failed logins that lock nobody out any more. One statement."""
    over = AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME)
    return int(over.delete()[0])
