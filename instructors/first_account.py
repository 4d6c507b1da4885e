"""The first account, made with a link that `manage.py up` and `manage.py first_account_link` print.

Whoever merely reaches the port cannot make it: the token of the link is signed with SECRET_KEY. It is valid for a day,
and while there is no account.
"""

import secrets
from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from core.postgres import execute
from instructors import audit, hashing
from instructors.models import Instructor
from instructors.roles import ADMIN

VALID = timedelta(days=1)


class UnknownLink(Exception):
    """The token was not made by this copy."""


class LinkClosed(Exception):
    """The token has expired, or an account exists."""


def is_missing() -> bool:
    """Return whether there is no account yet. One query."""
    return not Instructor.objects.exists()


def link(base: str) -> str:
    """Return a new link below the address of the server."""
    return base.rstrip("/") + reverse("first_account", args=[_signer().sign(secrets.token_urlsafe(16))])


def check(token: str) -> None:
    """Raise UnknownLink or LinkClosed unless the token may make the first account now. One query for our tokens."""
    try:
        _signer().unsign(token, max_age=VALID)
    except signing.SignatureExpired:
        raise LinkClosed from None
    except signing.BadSignature:
        raise UnknownLink from None
    if not is_missing():
        raise LinkClosed


def make(token: str, *, email: str, name: str, password: str, request: HttpRequest) -> Instructor:
    """Create the first account, an admin. Raises UnknownLink and LinkClosed. Of concurrent calls one creates it: the
    table is locked against every other insert until the commit."""
    check(token)
    with hashing.hash_ahead(password), transaction.atomic():
        execute("LOCK TABLE instructors IN SHARE ROW EXCLUSIVE MODE")
        if not is_missing():
            raise LinkClosed
        account = Instructor.objects.create_user(email, password, name=name, role=ADMIN)
        audit.record(
            "instructor_create", account, actor=account, request=request, details={"role": account.role, "first": True}
        )
    return account


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="instructors.first_account")
