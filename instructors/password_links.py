"""Links with which the owner of an account chooses a new password: the way back in.

Made by an administrator, by `manage.py password_link`, or for a mail. The token is Django's: a signature over the
account, its password, its last login and the time. So a link works once, and ends with the next login, a new password,
when the account is switched off or on, and after PASSWORD_RESET_TIMEOUT.
"""

from datetime import datetime

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import base36_to_int, int_to_base36

from instructors import audit, hashing, passwords
from instructors.models import Instructor


class LinkClosed(Exception):
    """The link was used, has expired, or was never made."""


class _Tokens(PasswordResetTokenGenerator):
    key_salt = "instructors.password_links"

    def _make_hash_value(self, user: Instructor, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)} {user.revived_at} {user.is_active}"


_tokens = _Tokens()


def link(account: Instructor, *, base: str) -> str:
    """Return a new link of the account, below the address of the server."""
    token = f"{int_to_base36(account.pk)}-{_tokens.make_token(account)}"
    return base.rstrip("/") + reverse("password_link", args=[token])


def account_of(token: str) -> Instructor:
    """Return the account of a link that is open. One query. Raises LinkClosed."""
    number, _, signature = token.partition("-")
    try:
        found = Instructor.objects.filter(pk=base36_to_int(number), is_active=True).first()
    except ValueError:
        found = None
    # Without an account the signature is computed all the same: the time does not tell which accounts exist.
    if not _tokens.check_token(found or Instructor(pk=0, email="-", password="!"), signature) or found is None:  # noqa: S106
        raise LinkClosed
    return found


def use(token: str, *, password: str, request: HttpRequest, now: datetime) -> Instructor:
    """Set the password and return the account. All its sessions and tokens end. Raises LinkClosed.

    Locks the account, so that of concurrent calls one sets it.
    """
    with hashing.hash_ahead(password), transaction.atomic():
        Instructor.objects.select_for_update(no_key=True).get(pk=account_of(token).pk)
        account = account_of(token)  # read again under the lock
        passwords.store(account, password, request=request, now=now, action="password_reset")
    return account


def record(account: Instructor, *, by: Instructor | None, request: HttpRequest | None, how: str) -> None:
    """Write down that a link was made, never the link."""
    audit.record("password_link", account, actor=by, request=request, details={"how": how})
