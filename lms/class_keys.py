"""Ingest keys: made here, shown once, kept as a hash."""

import secrets
from datetime import datetime

from django.db.models import QuerySet

from lms.models import Class, ClassKey


def create_key(class_ref: Class) -> tuple[ClassKey, str]:
    """A new key beside those the class has, and its text, which nobody can read again."""
    key = secrets.token_urlsafe(24)
    return ClassKey.objects.create(class_ref=class_ref, key_hash=ClassKey.hash(key), hint=key[:6]), key


def revoke_keys(keys: QuerySet[ClassKey], *, at: datetime) -> int:
    """From `at` on these open nothing; one that ends sooner still does. Returns how many changed. One query.

    The intake knows a key for some seconds (`events.intake.class_keys.REMEMBERED`), so that long an ended one may still get in.
    """
    return keys.filter(ClassKey.open_at(at)).update(revoked_at=at)
