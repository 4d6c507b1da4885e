"""Authentication by e-mail and password."""

from datetime import datetime

from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest

from instructors import audit
from instructors.models import Instructor
from instructors.sessions import note_client
from instructors.status import Status, announce_status, change_status


class WrongCredentials(Exception):
    """The e-mail and the password do not match. Which of them is wrong is not revealed."""


class InactiveAccount(Exception):
    """The password is right, but the account is switched off."""


def account_for(*, email: str, password: str) -> Instructor:
    """Return the active account with these credentials. Raises WrongCredentials and InactiveAccount."""
    found = Instructor.objects.with_email(email)
    if found is None:
        # As slow as checking a password, so that the time does not reveal whether the address is known.
        Instructor().set_password(password)
        raise WrongCredentials
    if not found.check_password(password):
        raise WrongCredentials
    if not found.is_active:
        raise InactiveAccount
    return found


def log_in(account: Instructor, *, now: datetime) -> Instructor:
    """Set the account's status to available and its last login."""
    with transaction.atomic():
        account = change_status(instructor_id=account.pk, status=Status.AVAILABLE, now=now)
        account.last_login = now
        account.save(update_fields=["last_login"])
    return account


def log_in_browser(request: HttpRequest, account: Instructor, *, now: datetime) -> None:
    """Begin a new session of the account, which has just proved who it is without a password form. Record it."""
    login(request, account, backend="django.contrib.auth.backends.ModelBackend")
    note_client(request)
    account = log_in(account, now=now)
    audit.record("login", actor=account, request=request)
    announce_status(account)
