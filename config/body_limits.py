"""How large a body may be: one limit for every address, counted as the body comes, and one answer, 413.

    EVENT_BODY_LIMIT   bytes of any body, as sent and as inflated (inflating is the parsers' work)
    FORM_LIMIT         bytes of a form with a file in it; each such form has its own, smaller limit and sentence

Two layers, because a body is read before Django knows the address, and only Django knows how the answer looks:
`Bounded` stands before Django and hands on no more than may be taken; `BodiesMiddleware` answers. It sees to bodies
without a length too (`Transfer-Encoding: chunked`), which Django and REST framework would take for empty ones.

The intake of events stands beside Django and counts for itself (`events.intake.read_body`).
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from config.errors import API_PREFIX
from events.intake.app import header, read_rest
from instructors.rest.exceptions import too_large_for
from lms.api.base import ApiView

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MIB = 1024 * 1024
FORM_LIMIT = 32 * MIB
TOO_LARGE = "cellmonitor.too_large"  # in the scope: the limit that the body exceeds


def limit_of(content_type: str) -> int:
    """Bytes. A starter may be twice as large as a notebook that is handed in, and has an envelope."""
    if content_type.lower().startswith("multipart/form-data"):
        return max(FORM_LIMIT, settings.EVENT_BODY_LIMIT, settings.SUBMISSION_BYTES_LIMIT * 2 + MIB)
    return int(settings.EVENT_BODY_LIMIT)


class BodyLimitApplication:
    """An ASGI layer. The rest of a body that is too large is heard and dropped: who sends first and listens then would
    find a closed line in the place of the answer."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        most = limit_of(header(scope, b"content-type").decode("latin-1"))
        announced = header(scope, b"content-length")
        size, is_over = 0, announced.isdigit() and int(announced) > most

        async def receive_bounded() -> Message:
            nonlocal size, is_over
            message = await receive()
            if message["type"] != "http.request":
                return message
            size += len(message.get("body", b""))
            if not is_over and size <= most:
                return message
            is_over, scope[TOO_LARGE] = True, most
            if message.get("more_body"):
                await read_rest(receive)
            return {"type": "http.request", "body": b"", "more_body": False}

        await self.application(scope, receive_bounded, send)


class BodyLimitMiddleware:
    """Refuses what is too large: an endpoint of the API says so itself, after it has looked at the credentials; for
    everything else it is said here."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        measure(request)
        answer: HttpResponse | Awaitable[HttpResponse] = self.get_response(request)
        return answer

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        most = getattr(request, "too_large", None)
        if most is None or issubclass(getattr(view, "cls", object), ApiView):
            return None
        return refuse(request, most)


def measure(request: HttpRequest) -> None:
    """Give the request `too_large`, the limit that its body exceeds or None; and a length, where it has none."""
    most = limit_of(request.META.get("CONTENT_TYPE", ""))
    announced = str(request.META.get("CONTENT_LENGTH") or "")
    is_over = announced.isdigit() and int(announced) > most
    if isinstance(request, ASGIRequest):
        is_over = is_over or TOO_LARGE in request.scope
        if not announced and request.method not in ("GET", "HEAD") and not is_over and request.body:
            request.META["CONTENT_LENGTH"] = str(len(request.body))
    request.too_large = most if is_over else None  # type: ignore[attr-defined]


def refuse(request: HttpRequest, most: int) -> HttpResponse:
    """413: JSON below /api/, else the page, drawn without a look at who asks."""
    if request.path.startswith(API_PREFIX):
        return JsonResponse({"detail": too_large_for(most)}, status=413)
    return HttpResponse(loader.get_template("413.html").render({"number": most // MIB}), status=413)
