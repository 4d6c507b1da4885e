"""Which other sites may call us from a browser: CORS for `/api/`, and the Origin check of sockets.

An ASGI layer around everything, because the event intake stands beside Django and because an error without these
headers is, to a browser, no answer at all: the extension would send the event four times.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from config.errors import API_PREFIX
from events.intake import header
from realtime.refusal import refuse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
PREFLIGHT_SECONDS = b"600"  # how long the browser need not ask again


def is_allowed(origin: bytes) -> bool:
    allowed = settings.BACKEND_CORS_ORIGINS
    return "*" in allowed or origin.decode("latin-1") in allowed


def cors_headers(origin: bytes) -> Headers:
    """What an answer to this origin carries. Credentials only for origins that are listed by name."""
    if not origin or not is_allowed(origin):
        return [(b"vary", b"Origin")]
    if "*" in settings.BACKEND_CORS_ORIGINS and origin.decode("latin-1") not in settings.BACKEND_CORS_ORIGINS:
        return [(b"access-control-allow-origin", b"*")]
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    ]


class Origins:
    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            app = self.app if self._may_connect(scope) else refuse
            await app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(API_PREFIX):
            await self._answer_api(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _may_connect(self, scope: Scope) -> bool:
        """No Origin: not a browser. A browser's must be our own host or one of the list (websocket.md section 2)."""
        origin = header(scope, b"origin")
        if not origin or origin.decode("latin-1") in settings.BACKEND_CORS_ORIGINS:
            return True
        if "*" in settings.BACKEND_CORS_ORIGINS and not settings.API_REQUIRE_AUTH:
            return True
        return urlsplit(origin).netloc.lower() == header(scope, b"host").lower()

    async def _answer_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        extra = cors_headers(header(scope, b"origin"))
        if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
            await send({"type": "http.response.start", "status": 204, "headers": extra + _preflight(scope)})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self.app(scope, receive, send_with_cors)


def _preflight(scope: Scope) -> Headers:
    headers = [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", header(scope, b"access-control-request-headers") or b"content-type"),
        (b"access-control-max-age", PREFLIGHT_SECONDS),
        (b"content-length", b"0"),
    ]
    if header(scope, b"access-control-request-private-network"):
        # A JupyterLab on a public address may post to a server inside the school.
        headers.append((b"access-control-allow-private-network", b"true"))
    return headers
