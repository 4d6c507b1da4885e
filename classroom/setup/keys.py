"""The keys of a class: made, replaced, revoked. Only the hash is kept: a key's text is in one answer, never again."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from classroom.setup.audit import note
from instructors.models import Instructor
from lms.class_keys import create_key, revoke_keys
from lms.models import Class, ClassKey

# How long the keys before a new one stay valid; None: until somebody revokes them.
GRACES: dict[str, timedelta | None] = {
    "none": timedelta(0),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "keep": None,
}


class MadeMeanwhile(Exception):
    """There is a newer key than the one the page showed: the button was pressed twice, or somebody else pressed it."""


def make_key(
    class_ref: Class, *, seen: int | None, grace: timedelta | None, by: Instructor, request: HttpRequest, now: datetime
) -> tuple[ClassKey, str]:
    """A new key and its text. `seen` is the newest key that the page showed (None: there was none), so that a form that
    is sent twice makes one key. The others end after `grace`. Raises MadeMeanwhile."""
    with transaction.atomic():
        Class.objects.select_for_update(no_key=True).get(pk=class_ref.pk)
        newest = ClassKey.objects.filter(class_ref=class_ref).order_by("-pk").values_list("pk", flat=True).first()
        if newest != seen:
            raise MadeMeanwhile
        ended = 0
        if grace is not None:
            ended = revoke_keys(ClassKey.objects.filter(class_ref=class_ref), at=now + grace)
        made, key = create_key(class_ref)
        note("key_create", class_ref, by=by, request=request, hint=made.hint, ended=ended)
    return made, key


def revoke_key(class_ref: Class, *, key_id: int, by: Instructor, request: HttpRequest, now: datetime) -> ClassKey:
    """JupyterLabs with this key are refused from now on. Revoking again changes nothing. 404 for another class's."""
    found = get_object_or_404(ClassKey, pk=key_id, class_ref=class_ref)
    with transaction.atomic():
        if revoke_keys(ClassKey.objects.filter(pk=found.pk), at=now):
            note("key_revoke", class_ref, by=by, request=request, hint=found.hint)
    return found
