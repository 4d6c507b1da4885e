"""Ingest keys: made here, shown once, kept as a hash."""

import secrets

from lms.models import Class, ClassKey


def create_key(class_ref: Class) -> tuple[ClassKey, str]:
    """A new key beside those the class has, and its text, which nobody can read again."""
    key = secrets.token_urlsafe(24)
    return ClassKey.objects.create(class_ref=class_ref, key_hash=ClassKey.hash(key), hint=key[:6]), key
