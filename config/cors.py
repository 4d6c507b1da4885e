"""Which sites may call us from a browser, and under which names we answer: CORS for `/api/`, the Origin of sockets and
forms, the Host of everything.

An ASGI layer around everything, because the event intake stands beside Django and because an error without these
headers is, to a browser, no answer at all: the extension would send the event four times.
"""

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host

from classroom.sockets.refusal import refuse
from config.env import ascii_host
from config.errors import API_PREFIX
from core import login_requirement
from events.intake.app import header

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
PREFLIGHT_SECONDS = b"600"  # how long the browser need not ask again
# Where a JupyterLab posts, which only adds: taken from any page, because what is sent without asking first cannot be
# told from what is asked for, and what is refused is lost.
INTAKES = re.compile(r"/api/v1/(?:v1/)?(?:events|progress/student-progress|(?:progress/)?cell-monitor|offline/queue)/?")
PORTS = {"http": "80", "https": "443"}
# Container checks and load balancers ask by number, and are to hear how we are, not what we are called.
HEALTH = re.compile(r"/health/?|/api/v1/(?:v1/)?(?:events/)?health(?:/\w*/?)?")
METRICS = "/metrics"


# --- One rule ---------------------------------------------------------------------------------------------------------


class Origin(NamedTuple):
    """Scheme, host and port in the form in which they are compared; a setting may have `*` for any port, and a host
    that begins with a dot for any below it."""

    scheme: str
    host: str
    port: str

    def covers(self, other: "Origin") -> bool:
        is_host = other.host == self.host or (self.host.startswith(".") and other.host.endswith(self.host))
        return self.scheme == other.scheme and is_host and self.port in ("*", other.port)


@lru_cache(maxsize=1000)
def parse(text: str) -> Origin | None:
    """`https://Lab.Example.:443` as `https, lab.example, 443`; None for what is no origin, as `null`."""
    scheme, separator, rest = text.strip().lower().partition("://")
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^/?#@:\s]*)(?::(\d{1,5}|\*))?", rest)
    if not separator or scheme not in PORTS or found is None:
        return None
    host = ascii_host(found[1])
    if host.startswith("*."):
        host = host[1:]
    return Origin(scheme, host, found[2] or PORTS[scheme]) if host else None


def is_listed(origin: str, listed: Iterable[str]) -> bool:
    """Whether an origin is one of those that a setting lists; `*` lists all."""
    if origin in listed or "*" in listed:
        return True
    asked = parse(origin)
    found = (parse(known.rstrip("/")) for known in listed)  # an address is easily copied with its slash
    return asked is not None and any(known.covers(asked) for known in found if known is not None)


def is_ours(origin: str, *, host: str, scheme: str | None) -> bool:
    """Whether an origin is that of our own pages: the host that was asked for, one of CSRF_TRUSTED_ORIGINS, or, behind
    a proxy that changes the host, a name of ALLOWED_HOSTS at its usual port. Pages and sockets go by this one rule.

    `scheme` is None where nobody can say over what the browser came.
    """
    asked = parse(origin)
    if asked is None:
        return False
    if is_listed(origin, [listed for listed in settings.CSRF_TRUSTED_ORIGINS if listed != "*"]):
        return True
    if may_answer_as(host) and asked == parse(f"{scheme or asked.scheme}://{host}"):
        return True
    usual = asked.port == PORTS[asked.scheme] and (asked.scheme == "https" or not settings.HTTPS)
    return usual and not _is_local(asked.host) and asked.host in map(ascii_host, settings.ALLOWED_HOSTS)


def may_answer_as(host: str) -> bool:
    """Whether we answer under the host that a request names: one of ALLOWED_HOSTS, a number, or a name without a dot.

    A page elsewhere that lets its own name lead to this machine (DNS rebinding) has a name with dots. Django's pages
    are stricter: they answer under ALLOWED_HOSTS alone.
    """
    return _may_answer_as(host, tuple(settings.ALLOWED_HOSTS))


@lru_cache(maxsize=1000)
def _may_answer_as(host: str, allowed: tuple[str, ...]) -> bool:
    if not host:
        return True  # no browser
    domain, _ = split_domain_port(host)
    name = ascii_host(domain)
    return bool(name) and (validate_host(name, allowed) or "." not in name.strip("[]") or _is_number(name))


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    return host in ("localhost", "[::1]") or host.startswith("127.") or host.endswith(".localhost")


class AllowedHostsMiddleware:
    """Tells Django, which compares by the letter, what this module finds equal.

    Before all that asks for the host: health is told whatever the host is called, and numbers where no page elsewhere
    can have found us under a name of its own. No other address is.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        host = request.META.get("HTTP_HOST", "")
        if HEALTH.fullmatch(request.path_info) or (request.path_info == METRICS and may_answer_as(host)):
            known = [name for name in settings.ALLOWED_HOSTS if name != "*"]
            request.META["HTTP_HOST"] = known[0].lstrip(".") if known else "localhost"
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        elif origin := request.META.get("HTTP_ORIGIN"):
            with suppress(DisallowedHost):  # whoever asks for it next answers 400
                host, scheme = request.get_host(), "https" if request.is_secure() else "http"
                if is_ours(origin, host=host, scheme=scheme):
                    request.META["HTTP_ORIGIN"] = f"{scheme}://{host}"
        answer: HttpResponse | Awaitable[HttpResponse] = self.get_response(request)
        return answer


# --- Around everything ------------------------------------------------------------------------------------------------


def cors_headers(origin: bytes) -> Headers:
    """What an answer to this origin carries. Credentials only for origins that are listed by name."""
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
    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
        elif scope["type"] == "http" and not self._may_be_asked(scope):
            await _refuse_host(scope, send)
        elif scope["type"] == "http" and scope["path"].startswith(API_PREFIX):
            await self._answer_api(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _may_be_asked(self, scope: Scope) -> bool:
        """A probe asks by number, whatever it calls us; and whoever needs a key to be heard cannot be somebody's page
        under another name."""
        if may_answer_as(_host(scope)) or HEALTH.fullmatch(scope["path"]):
            return True
        return settings.EVENTS_REQUIRE_KEY and INTAKES.fullmatch(scope["path"]) is not None

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """No Origin: not a browser. A browser's must be ours or one of the list (websocket.md section 2), and only our
        own pages bring their login along: a script of somebody's notebook may run at a listed origin."""
        await login_requirement.refresh()
        if b"\\000" in header(scope, b"cookie"):  # NUL, as a quoted cookie writes it: no session has one in its key
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

    async def _answer_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = header(scope, b"origin")
        extra = cors_headers(origin)
        if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
            await _answer(send, 204, extra + _preflight(scope), b"")
            return
        if origin and scope["method"] not in SAFE and not self._may_change(origin.decode("latin-1"), scope):
            detail = "Pages of this origin may not change anything here; BACKEND_CORS_ORIGINS lists those that may"
            await _answer_json(send, 403, detail, extra)
            return

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self.app(scope, receive, send_with_cors)

    def _may_change(self, origin: str, scope: Scope) -> bool:
        """A request that a browser sends without asking first (no body, or a plain one) is not held up by CORS."""
        if is_listed(origin, settings.BACKEND_CORS_ORIGINS) or INTAKES.fullmatch(scope["path"]):
            return True
        return is_ours(origin, host=_host(scope), scheme=_scheme(scope))


def _without_cookie(scope: Scope) -> Scope:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"cookie"]}


def _listed_for_sockets() -> list[str]:
    listed = settings.BACKEND_CORS_ORIGINS
    return [origin for origin in listed if origin != "*"] if login_requirement.logins_required() else listed


def _host(scope: Scope) -> str:
    """The host that was asked for, as the settings say where to read it."""
    forwarded = header(scope, b"x-forwarded-host") if settings.USE_X_FORWARDED_HOST else b""
    return (forwarded or header(scope, b"host")).decode("latin-1")


def _scheme(scope: Scope) -> str | None:
    """What the browser speaks: what a trusted proxy says; else what it spoke with us where it may have spoken to us."""
    if settings.SECURE_PROXY_SSL_HEADER:
        said = header(scope, b"x-forwarded-proto").decode("latin-1").partition(",")[0].strip().lower()
        return said if said in PORTS else None
    return None


async def _refuse_host(scope: Scope, send: Send) -> None:
    host = re.sub(r"[^\w.:\[\]-]", "?", _host(scope))[:200]
    detail = f"This copy does not answer under the name {host}; whoever runs it can add the name to ALLOWED_HOSTS"
    if scope["path"].startswith(API_PREFIX):
        await _answer_json(send, 400, detail, [])
    else:
        await _answer(send, 400, [(b"content-type", b"text/plain; charset=utf-8")], f"{detail}.\n".encode())


async def _answer_json(send: Send, status: int, detail: str, extra: Headers) -> None:
    body = json.dumps({"detail": detail}).encode()
    await _answer(send, status, [(b"content-type", b"application/json"), *extra], body)


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    always = [(b"content-length", str(len(body)).encode()), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *always]})
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
        # A JupyterLab on a public address may post to a server inside the school.
        headers.append((b"access-control-allow-private-network", b"true"))
    return headers
