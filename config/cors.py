"""CORS for `/api/`, checks of the Origin of WebSockets and forms, and of the Host of all requests.

`CorsApplication` wraps the whole application, because the event intake does not pass through Django, and because a
browser hides an error response without CORS headers from the extension, which would then send its events four times.
"""

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from classroom.sockets.base import refuse
from config.env import ascii_host
from config.errors import API_PREFIX
from core import login_requirement
from core.asgi import Message, Receive, Scope, Send, header
from core.middleware import Middleware

App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
PREFLIGHT_SECONDS = b"600"  # for which browsers may cache a preflight
# Paths to which a JupyterLab posts events. They accept any origin: they only add rows, and a refused event is lost.
INTAKES = re.compile(r"/api/v1/(?:v1/)?(?:events|progress/student-progress|(?:progress/)?cell-monitor|offline/queue)/?")
PORTS = {"http": "80", "https": "443"}
# Container checks and load balancers use an IP address as the host, and must get the health status all the same.
HEALTH = re.compile(r"/health/?|/api/v1/(?:v1/)?(?:events/)?health(?:/\w*/?)?")
METRICS = "/metrics"


class Origin(NamedTuple):
    """A normalized origin. In a setting, the port may be `*` (any), and a host with a leading dot covers subdomains."""

    scheme: str
    host: str
    port: str

    def covers(self, other: "Origin") -> bool:
        is_same_host = other.host == self.host or (self.host.startswith(".") and other.host.endswith(self.host))
        return self.scheme == other.scheme and is_same_host and self.port in ("*", other.port)


@lru_cache(maxsize=1000)
def parse(text: str) -> Origin | None:
    """Parse `https://Lab.Example.:443` to `https, lab.example, 443`. Return None for an invalid origin, as `null`."""
    scheme, separator, rest = text.strip().lower().partition("://")
    match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^/?#@:\s]*)(?::(\d{1,5}|\*))?", rest)
    if not separator or scheme not in PORTS or match is None:
        return None
    host = ascii_host(match[1])
    if host.startswith("*."):
        host = host[1:]
    return Origin(scheme, host, match[2] or PORTS[scheme]) if host else None


def is_listed(origin: str, listed: Iterable[str]) -> bool:
    """Return whether a setting lists an origin; `*` lists all."""
    if origin in listed or "*" in listed:
        return True
    parsed = parse(origin)
    patterns = (parse(item.rstrip("/")) for item in listed)  # a URL is easily copied with its slash
    return parsed is not None and any(pattern.covers(parsed) for pattern in patterns if pattern is not None)


def is_ours(origin: str, *, host: str, scheme: str | None) -> bool:
    """Return whether an origin is that of our own pages.

    These are the requested host, CSRF_TRUSTED_ORIGINS and, behind a proxy that changes the host, the names of
    ALLOWED_HOSTS at the default port. Pages and WebSockets use this rule. `scheme` is None if it is unknown.
    """
    parsed = parse(origin)
    if parsed is None:
        return False
    if is_listed(origin, [listed for listed in settings.CSRF_TRUSTED_ORIGINS if listed != "*"]):
        return True
    if may_answer_as(host) and parsed == parse(f"{scheme or parsed.scheme}://{host}"):
        return True
    is_default_port = parsed.port == PORTS[parsed.scheme] and (parsed.scheme == "https" or not settings.HTTPS)
    return is_default_port and not _is_local(parsed.host) and parsed.host in map(ascii_host, settings.ALLOWED_HOSTS)


def may_answer_as(host: str) -> bool:
    """Return whether the Host of a request is accepted: one of ALLOWED_HOSTS, an IP address, or a name without a dot.

    A site that resolves its own name to this machine (DNS rebinding) has a name with dots. Django's views are stricter
    and accept ALLOWED_HOSTS only.
    """
    return _may_answer_as(host, tuple(settings.ALLOWED_HOSTS))


@lru_cache(maxsize=1000)
def _may_answer_as(host: str, allowed: tuple[str, ...]) -> bool:
    if not host:
        return True  # not a browser
    domain, _ = split_domain_port(host)
    name = ascii_host(domain)
    return bool(name) and (validate_host(name, allowed) or "." not in name.strip("[]") or _is_ip_address(name))


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    return host in ("localhost", "[::1]") or host.startswith("127.") or host.endswith(".localhost")


class AllowedHostsMiddleware(Middleware):
    """Rewrite the Host and Origin that this module accepts to ones that Django's stricter comparison accepts.

    Health checks work under any host, and metrics under the hosts of `may_answer_as()`. Must come before all middleware
    that calls `request.get_host()`.
    """

    def prepare(self, request: HttpRequest) -> None:
        host = request.META.get("HTTP_HOST", "")
        if HEALTH.fullmatch(request.path_info) or (request.path_info == METRICS and may_answer_as(host)):
            names = [name for name in settings.ALLOWED_HOSTS if name != "*"]
            request.META["HTTP_HOST"] = names[0].lstrip(".") if names else "localhost"
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        elif origin := request.META.get("HTTP_ORIGIN"):
            with suppress(DisallowedHost):  # raised again, and answered with 400, by the next middleware
                host, scheme = request.get_host(), "https" if request.is_secure() else "http"
                if is_ours(origin, host=host, scheme=scheme):
                    request.META["HTTP_ORIGIN"] = f"{scheme}://{host}"


def cors_headers(origin: bytes) -> Headers:
    """Return the CORS headers for an origin. Only origins listed without a wildcard may send credentials."""
    text, listed = origin.decode("latin-1"), settings.BACKEND_CORS_ORIGINS
    if not origin or not is_listed(text, listed):
        return [(b"vary", b"Origin")]
    if not _is_named(text, listed):
        if "*" in listed:
            return [(b"access-control-allow-origin", b"*")]
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    ]


def _is_named(origin: str, listed: Iterable[str]) -> bool:
    return origin in listed or parse(origin) in [parse(known) for known in listed if "*" not in known]


class CorsApplication:
    """ASGI middleware that checks Host and Origin, and answers preflight requests."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._handle_websocket(scope, receive, send)
        elif scope["type"] == "http" and not self._accepts_host(scope):
            await _refuse_host(scope, send)
        elif scope["type"] == "http" and scope["path"].startswith(API_PREFIX):
            await self._handle_api(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _accepts_host(self, scope: Scope) -> bool:
        """Return whether to serve a request under its Host.

        Health checks work under any host, and so do intakes that need a class key, which a foreign page does not have.
        """
        if may_answer_as(_host(scope)) or HEALTH.fullmatch(scope["path"]):
            return True
        return settings.EVENTS_REQUIRE_KEY and INTAKES.fullmatch(scope["path"]) is not None

    async def _handle_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the Origin of a WebSocket: absent (not a browser), ours or a listed one (websocket.md section 2).

        Only our own pages may use their login, because a student's notebook may run scripts at a listed origin.
        """
        await login_requirement.refresh()
        if b"\\000" in header(scope, b"cookie"):  # NUL in a quoted cookie; PostgreSQL refuses it
            scope = _without_cookie(scope)
        origin = header(scope, b"origin").decode("latin-1")
        if not may_answer_as(_host(scope)) and not is_ours(origin, host="", scheme=None):
            await refuse(scope, receive, send)
        elif not origin or is_ours(origin, host=_host(scope), scheme=_scheme(scope)):
            await self.app(scope, receive, send)
        elif is_listed(origin, _listed_for_sockets()):
            await self.app(_without_cookie(scope), receive, send)
        else:
            await refuse(scope, receive, send)

    async def _handle_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = header(scope, b"origin")
        extra = cors_headers(origin)
        if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
            await _respond(send, 204, extra + _preflight(scope), b"")
            return
        if origin and scope["method"] not in SAFE and not self._may_change(origin.decode("latin-1"), scope):
            detail = "Pages of this origin may not change anything here; BACKEND_CORS_ORIGINS lists those that may"
            await _respond_json(send, 403, detail, extra)
            return

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self.app(scope, receive, send_with_cors)

    def _may_change(self, origin: str, scope: Scope) -> bool:
        """Return whether an origin may make a change. CORS does not stop requests that need no preflight."""
        if is_listed(origin, settings.BACKEND_CORS_ORIGINS) or INTAKES.fullmatch(scope["path"]):
            return True
        return is_ours(origin, host=_host(scope), scheme=_scheme(scope))


def _without_cookie(scope: Scope) -> Scope:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"cookie"]}


def _listed_for_sockets() -> list[str]:
    listed = settings.BACKEND_CORS_ORIGINS
    return [origin for origin in listed if origin != "*"] if login_requirement.logins_required() else listed


def _host(scope: Scope) -> str:
    """Return the requested host; USE_X_FORWARDED_HOST says where to read it."""
    forwarded = header(scope, b"x-forwarded-host") if settings.USE_X_FORWARDED_HOST else b""
    return (forwarded or header(scope, b"host")).decode("latin-1")


def _scheme(scope: Scope) -> str | None:
    """Return the scheme that a trusted proxy reports; None without one, since an unknown proxy may terminate TLS."""
    if settings.SECURE_PROXY_SSL_HEADER:
        scheme = header(scope, b"x-forwarded-proto").decode("latin-1").partition(",")[0].strip().lower()
        return scheme if scheme in PORTS else None
    return None


async def _refuse_host(scope: Scope, send: Send) -> None:
    host = re.sub(r"[^\w.:\[\]-]", "?", _host(scope))[:200]
    detail = f"This copy does not answer under the name {host}; whoever runs it can add the name to ALLOWED_HOSTS"
    if scope["path"].startswith(API_PREFIX):
        await _respond_json(send, 400, detail, [])
    else:
        await _respond(send, 400, [(b"content-type", b"text/plain; charset=utf-8")], f"{detail}.\n".encode())


async def _respond_json(send: Send, status: int, detail: str, extra: Headers) -> None:
    body = json.dumps({"detail": detail}).encode()
    await _respond(send, status, [(b"content-type", b"application/json"), *extra], body)


async def _respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    common = [(b"content-length", str(len(body)).encode()), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *common]})
    await send({"type": "http.response.body", "body": body})


def _preflight(scope: Scope) -> Headers:
    headers = [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", header(scope, b"access-control-request-headers") or b"content-type"),
        (b"access-control-max-age", PREFLIGHT_SECONDS),
    ]
    if header(scope, b"access-control-request-private-network") and is_listed(
        header(scope, b"origin").decode("latin-1"), settings.BACKEND_CORS_ORIGINS
    ):
        # A JupyterLab on a public address may post to a server in a private network.
        headers.append((b"access-control-allow-private-network", b"true"))
    return headers
