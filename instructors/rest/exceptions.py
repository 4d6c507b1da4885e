"""The errors that endpoints raise, beside those of REST framework. All become `{"detail": ...}` (config/errors.py)."""

from collections.abc import Sequence

from rest_framework.exceptions import APIException


class Unprocessable(APIException):
    """422 with a list of problems, or with one."""

    status_code = 422

    def __init__(self, place: Sequence[str | int], message: str, kind: str = "value_error") -> None:
        super().__init__(message)
        self.problems = [{"loc": list(place), "msg": message, "type": kind}]


class BadRequest(APIException):
    """400 with a text; for what is well-formed and still cannot be done."""

    status_code = 400


class Conflict(APIException):
    status_code = 409


class TooLarge(APIException):
    status_code = 413


def too_large_for(most: int) -> str:
    """The one sentence of a body beyond the limit, as sent or as inflated."""
    return f"The body exceeds the maximum size of {most} bytes"
