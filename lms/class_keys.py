"""Creation and revocation of ingest keys."""

import secrets
from datetime import datetime

from django.db.models import QuerySet

from lms.models import Class, ClassKey


def create_key(class_ref: Class) -> tuple[ClassKey, str]:
    """Create a further key of the class. Return it and its text, of which only the hash is stored."""
    key = secrets.token_urlsafe(24)
    return ClassKey.objects.create(class_ref=class_ref, key_hash=ClassKey.hash(key), hint=key[:6]), key


def revoke_keys(keys: QuerySet[ClassKey], *, at: datetime) -> int:
    """Revoke these keys from `at` on, except those that end sooner. Return how many changed. One query.

    The event intake caches keys for some seconds (`events.intake.class_keys`) and accepts a revoked one until then.
    """
    return keys.filter(ClassKey.open_at(at)).update(revoked_at=at)
