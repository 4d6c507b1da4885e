"""Hourly cleanup of expired sessions, token revocations and failed logins (`events.worker.cleanup`)."""

from datetime import datetime

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session

from instructors.models import RevokedToken


def delete_expired_sessions(*, now: datetime) -> int:
    """Delete expired sessions, as `manage.py clearsessions` does. Return their number. One statement."""
    return Session.objects.filter(expire_date__lt=now).delete()[0]


def delete_expired_tokens(*, now: datetime) -> int:
    """Delete revocations of tokens that have expired (models.md section 4). Return their number. One statement."""
    return RevokedToken.objects.filter(expires_at__lt=now).delete()[0]


def delete_old_login_failures(*, now: datetime) -> int:
    """Delete failed logins whose lockout is over. Return their number. One statement."""
    expired = AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME)
    return int(expired.delete()[0])
