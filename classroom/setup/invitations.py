"""Create, cancel and accept invitations to a class. No e-mail is sent: the inviter copies the link.

The link contains 24 random bytes, signed (so that guesses cost no query) and stored as a hash (so that readers of the
database cannot use it). It is valid once, for seven days, for one e-mail address.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.core import signing
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest

from classroom.setup import staff
from classroom.setup.models import ClassInvitation
from core.identity import email_key
from instructors import audit, hashing
from instructors.models import Instructor
from lms.models import Class

VALID = timedelta(days=7)


class InvitationClosed(Exception):
    """The link was used, cancelled or replaced, or has expired."""


class AccountInactive(Exception):
    """The e-mail address belongs to an inactive account."""


class AccountExists(Exception):
    """The e-mail address has an account by now; its owner must log in."""


def find_account(email: str) -> Instructor | None:
    """Return the active account with this e-mail address, or None. Raises AccountInactive."""
    found = Instructor.objects.with_email(email)
    if found is not None and not found.is_active:
        raise AccountInactive
    return found


def invite(class_ref: Class, *, email: str, role: str, by: Instructor, request: HttpRequest, now: datetime) -> str:
    """Create an invitation and return the token of its link. Closes earlier invitations of the same address."""
    secret = secrets.token_urlsafe(24)
    with transaction.atomic():
        pending = ClassInvitation.objects.filter(class_ref=class_ref, email_key=email_key(email), closed_at=None)
        pending.update(closed_at=now)
        ClassInvitation.objects.create(
            class_ref=class_ref,
            email=email,
            role=role,
            token_hash=_hash(secret),
            invited_by=by,
            created_at=now,
            expires_at=now + VALID,
        )
        audit.record("invitation_create", class_ref, actor=by, request=request, details={"email": email, "role": role})
    return _signer().sign(secret)


def cancel(class_ref: Class, *, invitation_id: int, by: Instructor, request: HttpRequest, now: datetime) -> None:
    """Close an invitation; does nothing if it is closed. Raises Http404 if it belongs to another class."""
    mine = ClassInvitation.objects.filter(pk=invitation_id, class_ref=class_ref)
    with transaction.atomic():
        found = mine.first()
        if found is None:
            raise Http404
        if mine.filter(closed_at=None).update(closed_at=now):
            audit.record("invitation_cancel", class_ref, actor=by, request=request, details={"email": found.email})


def invitation_of(token: str, *, now: datetime) -> ClassInvitation:
    """Return the open invitation of a token. Raises Http404 for a bad signature, and InvitationClosed."""
    try:
        secret = _signer().unsign(token)
    except signing.BadSignature:
        raise Http404 from None
    rows = ClassInvitation.objects.select_related("class_ref", "invited_by")
    found = rows.filter(token_hash=_hash(secret)).first()
    if found is None or found.closed_at is not None or found.expires_at <= now:
        raise InvitationClosed
    return found


def accept_as_newcomer(
    token: str, *, name: str, password: str, request: HttpRequest, now: datetime
) -> tuple[Instructor, Class]:
    """Create the account and add it to the class. Raises InvitationClosed, AccountExists."""
    try:
        with hashing.hash_ahead(password), transaction.atomic():
            found = _open(token, now=now)
            account = Instructor.objects.create_user(found.email, password, name=name, role=found.role)
            audit.record(
                "instructor_create",
                account,
                actor=account,
                request=request,
                details={"role": account.role, "invited_by": found.invited_by_id},
            )
            _join(found, account, request=request, now=now)
    except IntegrityError:
        raise AccountExists from None
    return account, found.class_ref


def accept_as(account: Instructor, token: str, *, request: HttpRequest, now: datetime) -> Class:
    """Add an existing account to the class. Raises InvitationClosed; Http404 if the invitation is for another one."""
    with transaction.atomic():
        found = _open(token, now=now)
        if not is_for(found, account):
            raise Http404
        _join(found, account, request=request, now=now)
    return found.class_ref


def is_for(found: ClassInvitation, account: Instructor) -> bool:
    """Return whether the invitation is for the address of this account."""
    return found.email_key == account.email_key


def _open(token: str, *, now: datetime) -> ClassInvitation:
    """Return the open invitation, locked: concurrent requests accept it once. Raises InvitationClosed, Http404."""
    found = invitation_of(token, now=now)
    locked = ClassInvitation.objects.select_for_update().filter(pk=found.pk, closed_at=None).first()
    if locked is None:
        raise InvitationClosed
    return found


def _join(found: ClassInvitation, account: Instructor, *, request: HttpRequest, now: datetime) -> None:
    ClassInvitation.objects.filter(pk=found.pk).update(closed_at=now, accepted_by=account)
    audit.record("invitation_accept", found.class_ref, actor=account, request=request, details={"role": found.role})
    staff.add(found.class_ref, account, role=found.role, by=account, request=request)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _signer() -> signing.Signer:
    return signing.Signer(salt="instructors.invitation")
