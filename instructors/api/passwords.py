"""Password rules of the API: AUTH_PASSWORD_VALIDATORS. Without STRICT_PASSWORDS only the minimum length applies."""

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError

from core.identity import password_form
from instructors.models import Instructor
from instructors.rest.exceptions import Unprocessable


def check_password_rules(password: str, *, account: Instructor | None, field: str) -> None:
    """Raise Unprocessable for this field of the body if the password breaks a rule."""
    every: list[dict[str, Any]] = list(settings.AUTH_PASSWORD_VALIDATORS)
    rules = [rule for rule in every if settings.STRICT_PASSWORDS or rule["NAME"].endswith("MinimumLengthValidator")]
    try:
        validate_password(password_form(password), account, get_password_validators(rules))
    except ValidationError as error:
        raise Unprocessable(["body", field], " ".join(error.messages), "password_too_weak") from None
