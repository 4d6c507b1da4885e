"""Shapes of accounts on the wire (http.md sections 7 to 9), and what a body may say about them."""

from typing import Any, ClassVar

from django.contrib.auth.password_validation import get_default_password_validators
from django.core.validators import EmailValidator
from rest_framework import serializers

from core.validators import MAX_BIGINT, validate_address
from instructors.models import Instructor
from instructors.roles import FalseRole, role_of

Status = Instructor.Status
[MINIMUM_LENGTH] = (rule.min_length for rule in get_default_password_validators() if hasattr(rule, "min_length"))


class Text(serializers.CharField):
    """A text, and nothing that could pass for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Address(serializers.EmailField):
    """An e-mail address in whatever width and case; kept as sent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        others = [each for each in self.validators if not isinstance(each, EmailValidator)]
        self.validators = [*others, validate_address]


class Role(Text):
    """`admin`, `instructor`, `assistant`, in whatever case and width; or a label, which grants nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, help_text=self.__doc__ or "", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return role_of(super().to_internal_value(data))
        except FalseRole as error:
            raise serializers.ValidationError(str(error)) from None


class NewPassword(Text):
    """Kept as sent. The rules are looked at by `check_password_rules`, which has words for them."""

    documented: ClassVar = {"minLength": MINIMUM_LENGTH}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=4096, **kwargs)


class StatusField(serializers.ChoiceField):
    """Lower case on the wire; dashboards in the field hold it in upper case."""

    default_error_messages = {"invalid_choice": f"Input should be one of: {', '.join(Status.values)}"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Status.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return str(super().to_internal_value(data.strip().lower() if isinstance(data, str) else data))


class RowId(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=-MAX_BIGINT, max_value=MAX_BIGINT, **kwargs)


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
