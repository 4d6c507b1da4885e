"""The size limit of request bodies: one for every path, counted as the body arrives, with one response, 413.

    EVENT_BODY_LIMIT   bytes of any body, as sent and as decompressed (the parsers decompress)
    FORM_LIMIT         bytes of a form with a file in it; each such form has its own, smaller limit and message

There are two layers, because the body is read before Django resolves the path, and the response depends on the view:
`BodyLimitApplication` stops reading at the limit, and `BodyLimitMiddleware` answers. It also handles bodies without a
Content-Length (`Transfer-Encoding: chunked`), which Django and REST framework would treat as empty.

The event intake does not pass through Django and counts for itself (`events.intake.request.read_body`).
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from config.errors import API_PREFIX
from core.asgi import Application, Message, Receive, Scope, Send, header
from core.middleware import Middleware
from events.intake.request import read_rest
from instructors.rest.exceptions import too_large_for
from lms.api.base import ApiView

MIB = 1024 * 1024
FORM_LIMIT = 32 * MIB
TOO_LARGE = "cellmonitor.too_large"  # in the scope: the limit that the body exceeds


def limit_of(content_type: str) -> int:
    """Return the limit in bytes. A starter notebook may be twice as large as a submission, and has an envelope."""
    if content_type.lower().startswith("multipart/form-data"):
        return max(FORM_LIMIT, settings.EVENT_BODY_LIMIT, settings.SUBMISSION_BYTES_LIMIT * 2 + MIB)
    return int(settings.EVENT_BODY_LIMIT)


class BodyLimitApplication:
    """ASGI middleware that passes on no more than the limit.

    The rest of a larger body is read and dropped: a client that reads the response only after sending everything would
    otherwise find the connection closed.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit = limit_of(header(scope, b"content-type").decode("latin-1"))
        content_length = header(scope, b"content-length")
        size, is_over = 0, content_length.isdigit() and int(content_length) > limit

        async def receive_limited() -> Message:
            nonlocal size, is_over
            message = await receive()
            if message["type"] != "http.request":
                return message
            size += len(message.get("body", b""))
            if not is_over and size <= limit:
                return message
            is_over, scope[TOO_LARGE] = True, limit
            if message.get("more_body"):
                await read_rest(receive)
            return {"type": "http.request", "body": b"", "more_body": False}

        await self.application(scope, receive_limited, send)


class BodyLimitMiddleware(Middleware):
    """Answer 413 for a body over the limit. API views answer it themselves, after authentication."""

    def prepare(self, request: HttpRequest) -> None:
        measure(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        limit = getattr(request, "too_large", None)
        if limit is None or issubclass(getattr(view, "cls", object), ApiView):
            return None
        return too_large_response(request, limit)


def measure(request: HttpRequest) -> None:
    """Set `request.too_large` to the limit that the body exceeds, or None; and CONTENT_LENGTH, if it is missing."""
    limit = limit_of(request.META.get("CONTENT_TYPE", ""))
    content_length = str(request.META.get("CONTENT_LENGTH") or "")
    is_over = content_length.isdigit() and int(content_length) > limit
    if isinstance(request, ASGIRequest):
        is_over = is_over or TOO_LARGE in request.scope
        if not content_length and request.method not in ("GET", "HEAD") and not is_over and request.body:
            request.META["CONTENT_LENGTH"] = str(len(request.body))
    request.too_large = limit if is_over else None  # type: ignore[attr-defined]


def too_large_response(request: HttpRequest, limit: int) -> HttpResponse:
    """Return a 413: JSON below /api/, else the page, rendered without the request so that no query is made."""
    if request.path.startswith(API_PREFIX):
        return JsonResponse({"detail": too_large_for(limit)}, status=413)
    return HttpResponse(loader.get_template("413.html").render({"number": limit // MIB}), status=413)
