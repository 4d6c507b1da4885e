"""Inviting to a class. There is no mail server: the inviter copies the link and sends it in their own way.

The link holds 24 random bytes, signed (so that guesses cost no query) and kept as a hash (so that nobody who reads the
database can use them). It opens once, for seven days, for the address it was made for.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.core import signing
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest

from classroom.setup import staff
from classroom.setup.audit import note
from classroom.setup.models import ClassInvitation
from core.identity import email_key
from instructors import audit, hashing
from instructors.models import Instructor
from lms.models import Class

VALID = timedelta(days=7)


class Closed(Exception):
    """The link was used, cancelled, replaced, or is too old."""


class SwitchedOff(Exception):
    """The address is that of an account that is switched off."""


class Taken(Exception):
    """Meanwhile the address has an account: its owner logs in instead."""


def find_account(email: str) -> Instructor | None:
    """Raises SwitchedOff."""
    found = Instructor.objects.with_email(email)
    if found is not None and not found.is_active:
        raise SwitchedOff
    return found


def invite(class_ref: Class, *, email: str, role: str, by: Instructor, request: HttpRequest, now: datetime) -> str:
    """The token of a link. An earlier link for the same address opens nothing any more."""
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
        note("invitation_create", class_ref, by=by, request=request, email=email, role=role)
    return _signer().sign(secret)


def cancel(class_ref: Class, *, invitation_id: int, by: Instructor, request: HttpRequest, now: datetime) -> None:
    """Cancelling again changes nothing. 404 for another class's."""
    mine = ClassInvitation.objects.filter(pk=invitation_id, class_ref=class_ref)
    with transaction.atomic():
        found = mine.first()
        if found is None:
            raise Http404
        if mine.filter(closed_at=None).update(closed_at=now):
            note("invitation_cancel", class_ref, by=by, request=request, email=found.email)


def invitation_of(token: str, *, now: datetime) -> ClassInvitation:
    """404 for what is no link of ours. Raises Closed."""
    try:
        secret = _signer().unsign(token)
    except signing.BadSignature:
        raise Http404 from None
    rows = ClassInvitation.objects.select_related("class_ref", "invited_by")
    found = rows.filter(token_hash=_hash(secret)).first()
    if found is None or found.closed_at is not None or found.expires_at <= now:
        raise Closed
    return found


def accept_as_newcomer(
    token: str, *, name: str, password: str, request: HttpRequest, now: datetime
) -> tuple[Instructor, Class]:
    """Makes the account and puts it into the class. Raises Closed, and Taken where the address has an account."""
    try:
        with hashing.hash_ahead(password), transaction.atomic():
            found = _open(token, now=now)
            made = Instructor.objects.create_user(found.email, password, name=name, role=found.role)
            audit.record(
                action="instructor_create",
                actor=made,
                request=request,
                target_type="instructor",
                target_id=made.pk,
                details={"role": made.role, "invited_by": found.invited_by_id},
            )
            _join(found, made, request=request, now=now)
    except IntegrityError:
        raise Taken from None
    return made, found.class_ref


def accept_as(account: Instructor, token: str, *, request: HttpRequest, now: datetime) -> Class:
    """For whoever has an account by now. Raises Closed; 404 for a link to somebody else's address."""
    with transaction.atomic():
        found = _open(token, now=now)
        if not is_for(found, account):
            raise Http404
        _join(found, account, request=request, now=now)
    return found.class_ref


def is_for(found: ClassInvitation, account: Instructor) -> bool:
    """Whether the link was made for the address of this account."""
    return found.email_key == account.email_key


def _open(token: str, *, now: datetime) -> ClassInvitation:
    """Locked, so that a link that is followed twice at once opens once."""
    found = invitation_of(token, now=now)
    locked = ClassInvitation.objects.select_for_update().filter(pk=found.pk, closed_at=None).first()
    if locked is None:
        raise Closed
    return found


def _join(found: ClassInvitation, account: Instructor, *, request: HttpRequest, now: datetime) -> None:
    ClassInvitation.objects.filter(pk=found.pk).update(closed_at=now, accepted_by=account)
    note("invitation_accept", found.class_ref, by=account, request=request, role=found.role)
    staff.add(found.class_ref, account, role=found.role, by=account, request=request)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _signer() -> signing.Signer:
    return signing.Signer(salt="instructors.invitation")
