"""Around every request: its id, how long it took, and a line about it where lines are wanted.

The id comes with the request (`X-Request-ID`, where it is well-formed) or is made here; it is answered in the same
header, stands in every line that is logged on the way, and in the audit log. An address is written down without its
query, because class keys travel there.
"""

import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from itertools import count
from typing import Any

from django.conf import settings

from config.errors import API_PREFIX
from config.logs import request_id
from events import metrics as events_metrics
from events.intake.app import header

logger = logging.getLogger("requests")

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADER = b"x-request-id"
# On every answer. Django says the rest (SecurityMiddleware, CSP), which stands nowhere near the static files and errors
# that other layers answer.
ALWAYS = [
    (
        b"permissions-policy",
        b"accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(),"
        b" magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
]
WELL_FORMED = re.compile(rb"[A-Za-z0-9._:/+=-]{1,100}")
PROBES = ("/api/v1/health", "/health", "/metrics", "/api/v1/events/health")


class RequestLogApplication:
    """The outermost application. `intake` names the paths that measure themselves, too busy for a line each."""

    def __init__(self, application: Application, *, intake: set[str]) -> None:
        self.application, self.intake = application, intake
        # Unique without asking the system for randomness at every request.
        self._prefix, self._numbers = os.urandom(6).hex(), count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        events_metrics.start()
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        name = header(scope, HEADER)
        if not WELL_FORMED.fullmatch(name):
            name = f"{self._prefix}-{next(self._numbers):x}".encode()
            if scope["path"] not in self.intake:
                headers = [(key, value) for key, value in scope["headers"] if key != HEADER]
                scope = {**scope, "headers": [*headers, (HEADER, name)]}
        token = request_id.set(name.decode())
        if scope["path"] in self.intake:  # it answers the id itself: nothing stands between it and the server
            scope["request_id"] = name
            await self.application(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def answer(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *ALWAYS, (HEADER, name)]}
            await send(message)

        try:
            await self.application(scope, receive, answer)
        finally:
            _log(scope, status, time.perf_counter() - begun)
            request_id.reset(token)


def _log(scope: Scope, status: int, seconds: float) -> None:
    path = scope["path"]
    if path.startswith(PROBES):
        return
    kind = "api" if path.startswith(API_PREFIX) else "page"
    events_metrics.count("requests", f"{kind}:{status // 100}xx")
    events_metrics.observe(kind, seconds)
    if settings.LOG_REQUESTS:
        facts = {"method": scope["method"], "path": path, "status": status, "ms": round(seconds * 1000, 1)}
        logger.info("%s %s %d", scope["method"], path, status, extra={"facts": facts})
