"""The one JSON error shape: `{"detail": ...}`.

`detail` is a text, except for 422, where it is the list that clients in the field read:
`[{"loc": ["body", "name"], "msg": "Field required", "type": "missing"}]` (http.md section 1.4).
"""

import logging
import sys
from typing import Any

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views.defaults import server_error
from rest_framework import exceptions
from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response
from rest_framework.views import exception_handler

from config.outages import RETRY_AFTER, TOO_MANY_LOGINS, reason_of
from instructors.rest.exceptions import Unprocessable

logger = logging.getLogger(__name__)

API_PREFIX = "/api/"
TYPES = {
    "required": "missing",
    "null": "null_not_allowed",
    "invalid": "value_error",
    "blank": "string_too_short",
    "year": "value_error",
}


def _problems(detail: Any, place: list[str | int]) -> list[dict[str, Any]]:
    """DRF's nested error detail as one flat list, a place and a message each."""
    if isinstance(detail, dict):
        return [
            problem
            for name, inner in detail.items()
            for problem in _problems(inner, place if name == "non_field_errors" else [*place, name])
        ]
    if isinstance(detail, list):
        nested = any(isinstance(item, dict | list) for item in detail)
        return [
            problem
            for index, item in enumerate(detail)
            for problem in _problems(item, [*place, index] if nested else place)
        ]
    code = getattr(detail, "code", "invalid")
    # What was sent may be quoted, and half a surrogate pair can be sent, but not answered.
    message = "Field required" if code == "required" else str(detail).encode(errors="replace").decode()
    return [{"loc": place, "msg": message, "type": TYPES.get(code, code)}]


def is_unstorable(error: Exception) -> bool:
    """Whether it says that a value cannot be in any column: PostgreSQL of what is out of range or holds a NUL (SQLSTATE
    class 22), its client of half a surrogate pair."""
    half_a_pair = isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed"
    return half_a_pair or isinstance(error, DataError)


def api_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: a validation error is 422 with the list, the rest `{"detail": text}`."""
    if isinstance(error, exceptions.ParseError):
        problem = {"loc": ["body"], "msg": str(error.detail), "type": "json_invalid"}
        return Response({"detail": [problem]}, status=422)
    if isinstance(error, exceptions.ValidationError):
        return Response({"detail": _problems(error.detail, ["body"])}, status=422)
    if isinstance(error, Unprocessable):
        return Response({"detail": error.problems}, status=422)
    if isinstance(error, exceptions.MethodNotAllowed):
        error.detail = ErrorDetail("Method Not Allowed", error.default_code)
    if is_unstorable(error):  # met after all that is checked
        logger.warning("Answered 400: %s", type(error).__name__)
        detail = "A value cannot be looked up or stored: out of range, or with characters that no text can hold"
        return Response({"detail": detail}, status=400)
    response = exception_handler(error, context)
    if response is None and reason_of(error):
        return None  # the middleware answers 503
    if response is None and not settings.DEBUG:
        action = getattr(context.get("view"), "action", "answer the request")
        logger.exception("Failed to %s", action)
        return Response({"detail": f"Failed to {action}"}, status=500)
    return response


def answer_outage(request: HttpRequest, reason: str) -> HttpResponse:
    """503 with the reason below /api/, else with a page that is drawn without asking any store."""
    answer: HttpResponse
    if request.path.startswith(API_PREFIX):
        answer = JsonResponse({"detail": reason}, status=503)
    else:
        page = "busy.html" if reason == TOO_MANY_LOGINS else "503.html"
        answer = HttpResponse(loader.get_template(page).render(), status=503)
    answer["Retry-After"] = RETRY_AFTER
    return answer


def failed(request: HttpRequest) -> HttpResponse:
    """`handler500`: what no view and no middleware caught."""
    reason = reason_of(sys.exc_info()[1])
    return answer_outage(request, reason) if reason else server_error(request)
