"""The one JSON error shape: `{"detail": ...}`.

`detail` is a text, except for 422, where it is the list that clients in the field read:
`[{"loc": ["body", "name"], "msg": "Field required", "type": "missing"}]` (http.md section 1.4).
"""

import logging
import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, DataError, IntegrityError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views.defaults import server_error
from rest_framework import exceptions
from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from config.outages import RETRY_AFTER, TOO_MANY_LOGINS, reason_of
from instructors.rest.exceptions import KINDS, Unprocessable

logger = logging.getLogger(__name__)

API_PREFIX = "/api/"
CONTRADICTION = "The request contradicts what is stored; read it again, then try again"
# The codes of REST framework in the words of the contract (http.md section 1.4). Any other code is a `value_error`.
TYPES = {
    "required": "missing",
    "null": "null_not_allowed",
    "blank": "string_too_short",
    "min_length": "string_too_short",
    "max_length": "string_too_long",
    "min_value": "greater_than_equal",
    "max_value": "less_than_equal",
    "invalid_choice": "literal_error",
    "not_a_list": "list_type",
    "not_a_dict": "dict_type",
    "empty": "too_short",
}


def _problems(detail: Any, location: list[str | int]) -> list[dict[str, Any]]:
    """Flatten DRF's nested error detail to a list of locations and messages."""
    if isinstance(detail, dict):
        return [
            problem
            for name, inner in detail.items()
            for problem in _problems(inner, location if name == "non_field_errors" else [*location, name])
        ]
    if isinstance(detail, list):
        nested = any(isinstance(item, dict | list) for item in detail)
        return [
            problem
            for index, item in enumerate(detail)
            for problem in _problems(item, [*location, index] if nested else location)
        ]
    code = getattr(detail, "code", "invalid")
    # The message may quote the input, and a lone surrogate in it cannot be encoded.
    message = "Field required" if code == "required" else str(detail).encode(errors="replace").decode()
    return [{"loc": location, "msg": message, "type": TYPES.get(code, code if code in KINDS else "value_error")}]


def is_unstorable(error: Exception) -> bool:
    """Return whether the error means that no column can store a value.

    PostgreSQL raises it for values out of range or with a NUL (SQLSTATE class 22), its client for a lone surrogate.
    """
    is_lone_surrogate = isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed"
    return is_lone_surrogate or isinstance(error, DataError)


def is_contradiction(error: Exception) -> bool:
    """Return whether the request contradicts what is stored, which no view noticed: a constraint refuses it, or a row
    that the view had found was deleted, merged or erased by somebody else before it was changed or read again."""
    is_not_updated = type(error) is DatabaseError and "did not affect any rows" in str(error)  # of Model.save()
    return is_not_updated or isinstance(error, IntegrityError | ObjectDoesNotExist)


def api_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response for an exception, as DRF's handler: 422 with a list for a validation error, else a text."""
    if isinstance(error, exceptions.ParseError):
        problem = {"loc": ["body"], "msg": str(error.detail), "type": "json_invalid"}
        return Response({"detail": [problem]}, status=422)
    if isinstance(error, exceptions.ValidationError):
        return Response({"detail": _problems(error.detail, ["body"])}, status=422)
    if isinstance(error, Unprocessable):
        return Response({"detail": error.problems}, status=422)
    if isinstance(error, exceptions.MethodNotAllowed):
        error.detail = ErrorDetail("Method Not Allowed", error.default_code)
    if isinstance(error, exceptions.Throttled):
        error.detail = ErrorDetail("Too many requests", error.default_code)
    if is_unstorable(error):  # not caught by validation
        logger.warning("Answered 400: %s", type(error).__name__)
        detail = "A value cannot be looked up or stored: out of range, or with characters that no text can hold"
        return Response({"detail": detail}, status=400)
    request = context.get("request")
    if isinstance(error, ObjectDoesNotExist) and request is not None and request.method in ("GET", "HEAD"):
        logger.warning("Answered 404: a row was gone when a view read it again", exc_info=error)
        error = exceptions.NotFound("Not Found")
    if is_contradiction(error):  # its text names constraints and values
        logger.error("Answered 409: a contradiction that no view checks", exc_info=error)
        set_rollback()
        return Response({"detail": CONTRADICTION}, status=409)
    response = exception_handler(error, context)
    if response is None and reason_of(error):
        return None  # OutagesMiddleware answers 503
    if response is None and not settings.DEBUG:
        action = getattr(context.get("view"), "action", "answer the request")
        logger.exception("Failed to %s", action)
        return Response({"detail": f"Failed to {action}"}, status=500)
    return response


def outage_response(request: HttpRequest, reason: str) -> HttpResponse:
    """Return a 503: the reason as JSON below /api/, else a page that is rendered without any store."""
    response: HttpResponse
    if request.path.startswith(API_PREFIX):
        response = JsonResponse({"detail": reason}, status=503)
    else:
        page = "busy.html" if reason == TOO_MANY_LOGINS else "503.html"
        response = HttpResponse(loader.get_template(page).render(), status=503)
    response["Retry-After"] = RETRY_AFTER
    return response


def uncaught_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception that no view and no middleware caught (`handler500`)."""
    reason = reason_of(sys.exc_info()[1])
    return outage_response(request, reason) if reason else server_error(request)
