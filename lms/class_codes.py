"""Class codes: short codes that students type once to join a class (docs/contract/http.md section 5b)."""

import secrets
import unicodedata
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from instructors.models import Instructor
from lms.models import Class, ClassCode

# Without characters that look alike: 0 and O, 1, I and L, U and V.
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
LENGTH = 8
FAILURES = "class_code"  # the kind of failure, for limits of a client address (instructors.throttles)
MAX_TYPED = 100  # characters of a typed code, with its blanks


def make_code(class_ref: Class, *, by: Instructor | None, now: datetime) -> ClassCode:
    """Create a code, valid for CLASS_CODE_MINUTES, and end the class's earlier one.

    Locks the class, so that it never has two valid codes.
    """
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    expires_at = now + timedelta(minutes=settings.CLASS_CODE_MINUTES)
    with transaction.atomic():
        Class.objects.select_for_update(no_key=True).get(pk=class_ref.pk)
        end_codes(class_ref, now=now)
        return ClassCode.objects.create(
            class_ref=class_ref, code=code, created_at=now, expires_at=expires_at, created_by=by
        )


def end_codes(class_ref: Class, *, now: datetime) -> int:
    """End the valid code of the class. Return how many ended. One statement."""
    return ClassCode.objects.filter(class_ref=class_ref, expires_at__gt=now).update(expires_at=now)


def valid_code(class_ref: Class, *, now: datetime) -> ClassCode | None:
    """Return the valid code of the class, or None. One query."""
    return ClassCode.objects.filter(class_ref=class_ref, expires_at__gt=now).first()


def find_class(typed: str, *, now: datetime) -> Class | None:
    """Return the class of a typed code, active or not; None for an unknown or expired code. One query."""
    code = normal_form(typed)
    if len(code) != LENGTH:
        return None
    found = ClassCode.objects.filter(code=code, expires_at__gt=now).select_related("class_ref").first()
    return found.class_ref if found else None


def normal_form(typed: str) -> str:
    """Return a typed code in upper case and half width, without blanks, dashes and other signs."""
    text = unicodedata.normalize("NFKC", typed[:MAX_TYPED]).upper()
    return "".join(character for character in text if character.isalnum())
