"""Give every request an id, measure its duration and log it (LOG_REQUESTS).

The id is taken from a well-formed `X-Request-ID` header or made up; it is returned in the same header and is part of
every line logged during the request and of audit log entries. URLs are logged without their query, which may contain
a class key.
"""

import logging
import os
import re
import time
from itertools import count
from typing import Any

from django.conf import settings

from config.errors import API_PREFIX
from config.logs import request_id
from core.asgi import Application, Receive, Scope, Send, header
from events import metrics as events_metrics

logger = logging.getLogger("requests")


HEADER = b"x-request-id"
# Headers of every response. Django sets the others (SecurityMiddleware, CSP), but not on responses of the ASGI
# middleware around it.
COMMON_HEADERS = [
    (
        b"permissions-policy",
        b"accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(),"
        b" magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
]
WELL_FORMED = re.compile(rb"[A-Za-z0-9._:/+=-]{1,100}")
PROBES = ("/api/v1/health", "/health", "/metrics", "/api/v1/events/health")


class RequestLogApplication:
    """ASGI middleware. `intake` has the paths that measure themselves and are too frequent to be logged."""

    def __init__(self, application: Application, *, intake: set[str]) -> None:
        self.application, self.intake = application, intake
        # Unique without a system call for randomness per request.
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
        if scope["path"] in self.intake:  # it sends the header itself, without a wrapper around `send`
            scope["request_id"] = name
            await self.application(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_with_headers(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *COMMON_HEADERS, (HEADER, name)]}
            await send(message)

        try:
            await self.application(scope, receive, send_with_headers)
        finally:
            _log(scope, status, time.perf_counter() - started)
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
