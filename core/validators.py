"""What may be typed as an e-mail address, in whatever width and case, and as a name."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext

from core.identity import email_key, visible


def validate_address(text: str) -> None:
    """Raises ValidationError where the key of this text is no e-mail address."""
    validate_email(email_key(text))


def validate_visible(text: str) -> None:
    """Raises ValidationError for a text that shows nothing; an empty one is for others to refuse."""
    if text and visible(text) is None:
        raise ValidationError(gettext("Write at least one visible character."))
