"""Lockout after failed logins, on top of django-axes. No other module imports django-axes' handlers.

One e-mail may fail LOGIN_FAILURES times from one client address within WINDOW, counted from the first failure. Then it
is locked out, even with the right password, until WINDOW has passed. The account can still log in from other addresses,
so that a stranger cannot lock a teacher out, and other accounts from the same address, which a whole class may share. A
browser on which the account has logged in before counts by itself (`instructors.known_browsers`): others at the same
address do not lock it out.

Pages and the admin site use it through Django's `authenticate`; the API calls `check` and `reset`. An administrator
lifts a lock by deleting its row (admin site, *Access attempts*), an operator with the command `axes_reset_username`.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from core.identity import email_key
from instructors import audit, known_browsers
from instructors.client_ip import address_of

WINDOW: timedelta = settings.AXES_COOLOFF_TIME
UNKNOWN_CLIENT = "::"  # for a request without a valid address
MAX_NAME = 255


def check(request: HttpRequest | Request, *, email: str, now: datetime) -> None:
    """Count an attempt before the password is checked. Two queries. Raises Throttled if locked out."""
    if settings.RATE_LIMITS and not _count(_key(request, _name(email)), now):
        raise Throttled(max(1, seconds_left(request, email=email, now=now)))


def reset(request: HttpRequest | Request, *, email: str) -> None:
    """Delete the failed attempts after a successful one. One query."""
    AccessAttempt.objects.filter(**_key(request, _name(email))).delete()


def seconds_left(request: HttpRequest | Request, *, email: str, now: datetime) -> int:
    """Return the seconds until this e-mail may be tried again from this client; 0 if not locked out. One query."""
    rows = AccessAttempt.objects.filter(**_key(request, _name(email)))
    begun = rows.values_list("attempt_time", flat=True).first()
    return 0 if begun is None else max(0, ceil((begun + WINDOW - now).total_seconds()))


def client_of(request: HttpRequest | Request) -> str:
    """Return the client address to count by. For IPv6 it is the /64 network, which belongs to one customer."""
    try:
        found = ip_address(address_of(request))
    except ValueError:
        return UNKNOWN_CLIENT
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False).network_address)


def name_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return the e-mail of the attempt in the form to count by. django-axes calls it."""
    return _name(str((credentials or {}).get("username") or ""))


class Handler(AxesDatabaseHandler):  # type: ignore[misc]  # django-axes has no types
    """Count attempts before the password is checked, under a lock of the row, and reset the count on success.

    django-axes counts after a failure, so that concurrent attempts are all checked before the first one counts. Of the
    request only the e-mail and the id of a known browser are stored.
    """

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        if not settings.RATE_LIMITS:
            return False
        return not _count(_key(request, name_of(request, credentials)), timezone.now())

    def user_login_failed(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: `is_locked` has counted the attempt."""

    def user_logged_in(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        reset(request, email=user.get_username())

    def user_logged_out(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the logout views write to the audit log."""

    def reset_attempts(self, **which: Any) -> int:
        """Lift locks and record it in the audit log. The `axes_reset…` commands call it."""
        if which.get("username"):
            which["username"] = _name(which["username"])
        with transaction.atomic():
            lifted: int = super().reset_attempts(**which)
            if lifted:
                details = {"locks": lifted, **{name: value for name, value in which.items() if value}}
                audit.record("login_unlock", actor=None, request=None, details=details)
        return lifted


def _key(request: HttpRequest | Request, name: str) -> dict[str, str]:
    """Return what failures are counted by: the e-mail, the client address and the id of a known browser, or ""."""
    browser = known_browsers.id_of(request, name=name)
    return {"username": name, "ip_address": client_of(request), "user_agent": browser}


def _count(key: dict[str, str], now: datetime) -> bool:
    """Count an attempt and return whether it is allowed. While locked out nothing is counted, so that the lock ends at
    the announced time."""
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


def remember_browser(response: HttpResponse, *, email: str) -> None:
    """Let the browser of this response count its own failures for this e-mail from now on."""
    known_browsers.remember(response, name=_name(email))


def _name(email: str) -> str:
    """Return the key of an e-mail: all spellings of an address count together."""
    return email_key(email)[:MAX_NAME]
