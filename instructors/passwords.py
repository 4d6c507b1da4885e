"""Change one's own password, over pages and API, with the lockout of logins."""

from datetime import datetime
from typing import Literal

from django.db import transaction
from django.http import HttpRequest
from rest_framework.request import Request

from instructors import audit, hashing, lockout
from instructors.models import Instructor


class WrongPassword(Exception):
    """The current password is another one."""


def prove(account: Instructor, password: str, *, request: HttpRequest | Request, now: datetime) -> None:
    """Check the current password; a wrong one counts like a failed login.

    Raises WrongPassword, Throttled if locked out, and hashing.Busy.
    """
    hashing.refuse_when_full()
    lockout.check(request, email=account.email, now=now)
    if not account.check_password(password):
        audit.record("password_change", actor=account, request=request, outcome=audit.Outcome.FAILURE)
        raise WrongPassword
    lockout.reset(request, email=account.email)


def store(
    account: Instructor,
    password: str,
    *,
    request: HttpRequest | Request,
    now: datetime,
    action: Literal["password_change", "password_reset"] = "password_change",
) -> None:
    """Store a new password, and the action in the audit log. Every session and token of the account ends, but what the
    caller keeps. Call it in a transaction, after `hashing.hash_ahead`."""
    account.set_password(password)
    with transaction.atomic():
        account.updated_at = now
        account.save(update_fields=["password", "updated_at"])
        audit.record(action, account, actor=account, request=request)
