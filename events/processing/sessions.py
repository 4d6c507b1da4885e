"""Closing idle sessions."""

from datetime import datetime

from django.db.models import F

from lms.models import Session


def close_idle_sessions(*, before: datetime) -> int:
    """Close the sessions without an event since `before`. Return their number."""
    idle = Session.objects.filter(is_active=True, last_event_at__lt=before)
    return idle.update(is_active=False, end_time=F("last_event_at"))
