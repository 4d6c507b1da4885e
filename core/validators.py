"""Limits and validators of typed values: row ids, e-mail addresses in any width and case, and names."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import BigIntegerField
from django.utils.translation import gettext

from core.identity import email_key, visible

MAX_BIGINT = BigIntegerField.MAX_BIGINT  # the largest row id


def validate_address(text: str) -> None:
    """Raise ValidationError if the normalised text is not an e-mail address."""
    validate_email(email_key(text))


def validate_visible(text: str) -> None:
    """Raise ValidationError for a text without a visible character. Accept an empty text: `blank` decides about it."""
    if text and visible(text) is None:
        raise ValidationError(gettext("Write at least one visible character."))
