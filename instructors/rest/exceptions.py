"""API exceptions beyond those of REST framework. The exception handler (config/errors.py) renders all of them as
`{"detail": ...}`.
"""

from collections.abc import Sequence

from rest_framework.exceptions import APIException

# Every `type` of a problem: what is wrong, in one vocabulary whoever found it (http.md section 1.4).
KINDS = (
    "bool_parsing", "dict_type", "greater_than_equal", "int_parsing", "json_invalid", "less_than_equal", "list_type",
    "literal_error", "missing", "null_characters_not_allowed", "null_not_allowed", "password_too_weak",
    "string_pattern_mismatch", "string_too_long", "string_too_short", "surrogate_characters_not_allowed", "too_long",
    "too_short", "type_error", "value_error", "wrong_student",
)  # fmt: skip


class Unprocessable(APIException):
    """422 with a list that holds one problem."""

    status_code = 422

    def __init__(self, place: Sequence[str | int], message: str, kind: str = "value_error") -> None:
        super().__init__(message)
        self.problems = [{"loc": list(place), "msg": message, "type": kind}]


class BadRequest(APIException):
    """400 with a text, for a well-formed request that cannot be carried out."""

    status_code = 400


class Conflict(APIException):
    status_code = 409


class TooLarge(APIException):
    status_code = 413


class ServiceUnavailable(APIException):
    status_code = 503


def too_large_for(limit: int) -> str:
    """Return the message for a body that exceeds the limit, as sent or as inflated."""
    return f"The body exceeds the maximum size of {limit} bytes"
