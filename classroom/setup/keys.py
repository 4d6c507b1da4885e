"""Create, replace and revoke the keys of a class. Only hashes are stored: one response contains the key's text."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from instructors import audit
from instructors.models import Instructor
from lms.class_keys import create_key, revoke_keys
from lms.models import Class, ClassKey

# How long older keys stay valid after a new one is created; None: until they are revoked.
GRACES: dict[str, timedelta | None] = {
    "none": timedelta(0),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "keep": None,
}


class MadeMeanwhile(Exception):
    """There is a newer key than the one that the page showed: the form was sent twice, or by two users."""


def make_key(
    class_ref: Class, *, seen: int | None, grace: timedelta | None, by: Instructor, request: HttpRequest, now: datetime
) -> tuple[ClassKey, str]:
    """Create a key; return its row and its text. The other keys end after `grace`. Locks the class.

    `seen` is the newest key that the page showed (None without one), so that a form that is sent twice creates one key.
    Raises MadeMeanwhile.
    """
    with transaction.atomic():
        Class.objects.select_for_update(no_key=True).get(pk=class_ref.pk)
        newest = ClassKey.objects.filter(class_ref=class_ref).order_by("-pk").values_list("pk", flat=True).first()
        if newest != seen:
            raise MadeMeanwhile
        ended = 0
        if grace is not None:
            ended = revoke_keys(ClassKey.objects.filter(class_ref=class_ref), at=now + grace)
        row, key = create_key(class_ref)
        audit.record("key_create", class_ref, actor=by, request=request, details={"hint": row.hint, "ended": ended})
    return row, key


def revoke_key(class_ref: Class, *, key_id: int, by: Instructor, request: HttpRequest, now: datetime) -> ClassKey:
    """Revoke a key; does nothing if it is revoked. Raises Http404 if it belongs to another class."""
    found = get_object_or_404(ClassKey, pk=key_id, class_ref=class_ref)
    with transaction.atomic():
        if revoke_keys(ClassKey.objects.filter(pk=found.pk), at=now):
            audit.record("key_revoke", class_ref, actor=by, request=request, details={"hint": found.hint})
    return found
