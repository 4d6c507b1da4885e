"""Serializer fields of accounts, password rules, and the serializer of an account (http.md sections 7 to 9)."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.password_validation import (
    get_default_password_validators,
    get_password_validators,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from rest_framework import serializers

from core.identity import password_form
from core.validators import validate_address
from instructors.models import Instructor
from instructors.rest.exceptions import Unprocessable
from instructors.rest.fields import Text
from instructors.roles import FalseRole, role_of

Status = Instructor.Status
[MINIMUM_LENGTH] = (rule.min_length for rule in get_default_password_validators() if hasattr(rule, "min_length"))


class Address(serializers.EmailField):
    """An e-mail address in any width and case, stored as sent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        others = [each for each in self.validators if not isinstance(each, EmailValidator)]
        self.validators = [*others, validate_address]


class Role(Text):
    """`admin`, `instructor` or `assistant`, in any case and width; or a label, which grants nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, help_text=self.__doc__ or "", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return role_of(super().to_internal_value(data))
        except FalseRole as error:
            raise serializers.ValidationError(str(error)) from None


class NewPassword(Text):
    """A new password, with its blanks. `check_password_rules` applies the password rules."""

    documented: ClassVar = {"minLength": MINIMUM_LENGTH}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=4096, **kwargs)


def check_password_rules(password: str, *, account: Instructor | None, field: str) -> None:
    """Raise Unprocessable for this field of the body if the password breaks a rule of AUTH_PASSWORD_VALIDATORS. Without
    STRICT_PASSWORDS only the minimum length applies."""
    every: list[dict[str, Any]] = list(settings.AUTH_PASSWORD_VALIDATORS)
    rules = [rule for rule in every if settings.STRICT_PASSWORDS or rule["NAME"].endswith("MinimumLengthValidator")]
    try:
        validate_password(password_form(password), account, get_password_validators(rules))
    except ValidationError as error:
        raise Unprocessable(["body", field], " ".join(error.messages), "password_too_weak") from None


class StatusField(serializers.ChoiceField):
    """A status, lower case in responses. Requests may write it in any case: existing dashboards send upper case."""

    default_error_messages = {"invalid_choice": f"Input should be one of: {', '.join(Status.values)}"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Status.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return str(super().to_internal_value(data.strip().lower() if isinstance(data, str) else data))


class InstructorResponse(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    is_active = serializers.BooleanField()
    status = serializers.ChoiceField(choices=Status.choices)
    current_session_id = serializers.IntegerField(allow_null=True)
    status_updated_at = serializers.DateTimeField()
    last_login_at = serializers.DateTimeField(source="last_login", allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True)
