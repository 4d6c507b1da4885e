"""Failed logins: who has to wait, how long, and who need not any more. The one door to django-axes.

One e-mail from one address may fail LOGIN_FAILURES times within WINDOW, counted from the first failure; then it is
locked out, with the right password too, until WINDOW has passed. From elsewhere the account opens as ever, so that a
stranger cannot lock a teacher out, and other accounts open from the same address, which a whole class may share.

The pages and the administration come here through Django's `authenticate`; programs call `admit` and `forgive`. An
administrator lifts a lock by deleting its row (administration, *Access attempts*), an operator with the command
`axes_reset_username`.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from core.identity import email_key
from instructors import audit
from instructors.client_ip import address_of
from instructors.throttles import TooManyRequests

WINDOW: timedelta = settings.AXES_COOLOFF_TIME
NOWHERE = "::"  # a request without an address that could be one
LONGEST_NAME = 255


def check(request: HttpRequest | Request, *, email: str, now: datetime) -> None:
    """Count an attempt before it is judged. Two queries. Raises TooManyRequests."""
    if settings.RATE_LIMITS and not _count(_name(email), client_of(request), now):
        raise TooManyRequests(seconds_left(request, email=email, now=now))


def reset(request: HttpRequest | Request, *, email: str) -> None:
    """The attempt succeeded: what failed before it is forgotten too. One query."""
    AccessAttempt.objects.filter(username=_name(email), ip_address=client_of(request)).delete()


def seconds_left(request: HttpRequest | Request, *, email: str, now: datetime) -> int:
    """Until this e-mail may be tried again from this address; 0 where it may be now. One query."""
    rows = AccessAttempt.objects.filter(username=_name(email), ip_address=client_of(request))
    begun = rows.values_list("attempt_time", flat=True).first()
    return 0 if begun is None else max(0, ceil((begun + WINDOW - now).total_seconds()))


def client_of(request: HttpRequest | Request) -> str:
    """The address that is counted. Of IPv6 the network of 64 bits: one customer has all of it."""
    try:
        found = ip_address(address_of(request))
    except ValueError:
        return NOWHERE
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False).network_address)


def name_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The e-mail that is tried, as it is counted; for django-axes."""
    return _name(str((credentials or {}).get("username") or ""))


class Handler(AxesDatabaseHandler):  # type: ignore[misc]  # django-axes has no types
    """django-axes counts an attempt when it has failed, so that many at once are all judged before the first of them
    counts. Here it counts when it is let in, under a lock of its row, and is forgiven when it succeeds. Nothing is kept
    of what was sent but the e-mail."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        if not settings.RATE_LIMITS:
            return False
        return not _count(name_of(request, credentials), client_of(request), timezone.now())

    def user_login_failed(self, *args: Any, **kwargs: Any) -> None:
        """It is counted already."""

    def user_logged_in(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        reset(request, email=user.get_username())

    def user_logged_out(self, *args: Any, **kwargs: Any) -> None:
        """Logouts are noted by the audit log."""

    def reset_attempts(self, **which: Any) -> int:
        """What the `axes_reset…` commands call."""
        if which.get("username"):
            which["username"] = _name(which["username"])
        with transaction.atomic():
            lifted: int = super().reset_attempts(**which)
            if lifted:
                details = {"locks": lifted, **{name: value for name, value in which.items() if value}}
                audit.record(action="login_unlock", actor=None, request=None, details=details)
        return lifted


def _count(name: str, client: str, now: datetime) -> bool:
    """Whether one more attempt is let in. While locked out nothing is counted, so that the lock ends when it said."""
    key = {"username": name, "ip_address": client, "user_agent": ""}
    with transaction.atomic():
        row, is_first = AccessAttempt.objects.select_for_update().get_or_create(
            **key, defaults={"failures_since_start": 1}
        )
        if is_first:
            return True
        if row.attempt_time + WINDOW <= now:
            row.attempt_time, row.failures_since_start = now, 0
        if row.failures_since_start >= settings.LOGIN_FAILURES:
            return False
        row.failures_since_start += 1
        row.save(update_fields=["attempt_time", "failures_since_start"])
    return True


def _name(email: str) -> str:
    """All spellings of an address count together; texts that are nobody's address do so too."""
    return email_key(email)[:LONGEST_NAME]
