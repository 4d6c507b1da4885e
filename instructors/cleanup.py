"""What has expired of logins: rows that no rule needs any more. Each is deleted once an hour
(`events.worker.cleanup`), and by `manage.py prune` where no worker runs."""

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from instructors.models import RevokedToken


def expired_sessions(*, now: datetime) -> QuerySet[Session]:
    """Return the sessions that `manage.py clearsessions` would delete."""
    return Session.objects.filter(expire_date__lt=now)


def expired_revocations(*, now: datetime) -> QuerySet[RevokedToken]:
    """Return the revocations of tokens that have expired (models.md section 4)."""
    return RevokedToken.objects.filter(expires_at__lt=now)


def old_login_failures(*, now: datetime) -> QuerySet[Any]:
    """Return the failed logins whose lockout is over."""
    expired: QuerySet[Any] = AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME)
    return expired


EXPIRED = (expired_sessions, expired_revocations, old_login_failures)
