"""HTTP to the product: one connection that is kept, through the proxy of the system, certificates of the system."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import time
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from . import CLIENT

TIMEOUT_SECONDS = 10.0
GZIP_FROM_BYTES = 256
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_DRIPPING = 3  # an answer may take so many times the longest silence
EVENTS_PATH = "/api/v1/events"


class Unreachable(Exception):
    """No answer came from `host`: no network, no such host, a certificate that is not trusted, or silence."""

    def __init__(self, why: str, host: str = "") -> None:
        super().__init__(why)
        self.host = host


@dataclass
class Answer:
    """What the product said."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, or None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def detail(self) -> str:
        """Return the sentence of a refusal, or an empty string."""
        value = self.json()
        detail = value.get("detail") if isinstance(value, dict) else None
        return detail if isinstance(detail, str) else ""


def split_address(address: str) -> tuple[str, str | None]:
    """Return the product's address without what follows its name, and the class key, if the address has one.

    Accepts the form that older settings have, `https://host/api/v1/events?key=…`. Raises ValueError for what is no
    http address.
    """
    parts = urlsplit(address.strip() if "://" in address else f"https://{address.strip()}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{address!r} is no http address")
    _port = parts.port  # raises ValueError
    path = parts.path.split("/api/v1", 1)[0].rstrip("/")
    keys = parse_qs(parts.query).get("key")
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")), keys[0] if keys else None


class Product:
    """One connection to the product. Not for several threads at once."""

    def __init__(self, url: str, timeout: float | None = None) -> None:
        parts = urlsplit(url)
        self.url = url
        self.timeout = timeout or TIMEOUT_SECONDS
        self.name = parts.netloc.rpartition("@")[2]  # as people know it
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._is_tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._connection: http.client.HTTPConnection | None = None
        self._through_proxy = False  # whether the request line must name the whole address
        self._proxy_headers: dict[str, str] = {}

    def request(
        self,
        method: str,
        path: str,
        value: Any = None,
        headers: dict[str, str] | None = None,
        *,
        is_compressed: bool = True,
        timeout: float | None = None,
    ) -> Answer:
        """Send a request and return the answer, whatever its status; redirects are not followed. Raises Unreachable.

        A kept connection that the other side has closed meanwhile is made anew once; everything that is sent bears an
        id, so that it may arrive twice.
        """
        body, all_headers = _encode(value, headers or {}, is_compressed)
        for is_last in (False, True):
            is_fresh = self._connection is None
            try:
                return self._exchange(method, path, body, all_headers, timeout or self.timeout)
            except (http.client.HTTPException, OSError, ValueError) as error:
                self.close()
                is_timeout = isinstance(error, (socket.timeout, TimeoutError))
                if is_fresh or is_last or is_timeout:
                    raise Unreachable(_why(error), self.name) from error
        raise AssertionError

    def close(self) -> None:
        """Close the connection, for instance because the machine slept."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout: float) -> Answer:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        target = self._prefix + path
        if self._through_proxy:
            target = f"http://{self._host}:{self._port}{target}"
            headers = {**headers, **self._proxy_headers}
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        content = _read(response, time.monotonic() + timeout * MAX_DRIPPING)
        answer = Answer(response.status, {name.lower(): text for name, text in response.getheaders()}, content)
        if response.will_close or not response.isclosed():
            self.close()
        return answer

    def _connect(self) -> http.client.HTTPConnection:
        proxy = _proxy_for("https" if self._is_tls else "http", self._host, self._port)
        self._through_proxy = False
        host, port = (proxy.hostname or "", proxy.port or 80) if proxy else (self._host, self._port)
        if self._is_tls:
            # create_default_context reads SSL_CERT_FILE and SSL_CERT_DIR
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=self.timeout, context=ssl.create_default_context()
            )
            if proxy:
                connection.set_tunnel(self._host, self._port, headers=_proxy_login(proxy))
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self.timeout)
            self._through_proxy = proxy is not None
            self._proxy_headers = _proxy_login(proxy) if proxy else {}
        return connection


def _read(response: http.client.HTTPResponse, until: float) -> bytes:
    """Return the body. Raises TimeoutError where it drips in so slowly that no single read is late."""
    parts, left = [], MAX_ANSWER_BYTES
    while left > 0 and (part := response.read1(min(left, 1 << 16))):
        parts.append(part)
        left -= len(part)
        if time.monotonic() > until:
            raise TimeoutError
    if response.length == 0:
        response.close()  # all was read, so the connection can be kept
    return b"".join(parts)


def _encode(value: Any, headers: dict[str, str], is_compressed: bool) -> tuple[bytes | None, dict[str, str]]:
    headers = {"Accept": "application/json", "User-Agent": CLIENT, **headers}
    if value is None:
        return None, headers
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    headers["Content-Type"] = "application/json"
    if is_compressed and len(body) >= GZIP_FROM_BYTES:
        body = gzip.compress(body, 6)
        headers["Content-Encoding"] = "gzip"
    return body, headers


def _proxy_for(scheme: str, host: str, port: int) -> Any:
    proxy = urllib.request.getproxies().get(scheme)
    if not proxy or host in ("localhost", "127.0.0.1", "::1") or urllib.request.proxy_bypass(f"{host}:{port}"):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _proxy_login(proxy: Any) -> dict[str, str]:
    if not proxy.username:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(login.encode()).decode()}


def _why(error: Exception) -> str:
    """Return the cause in a few words, without addresses: it is shown to people."""
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return "certificate"
    if isinstance(error, socket.gaierror):
        return "name"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return type(error).__name__
