"""What may be an e-mail address, in whatever width and case it was typed."""

from django.core.validators import validate_email

from lms.identity import email_key


def validate_address(text: str) -> None:
    """Raises ValidationError where the key of this text is no e-mail address."""
    validate_email(email_key(text))
