"""Client address and request id, as rate limits and the audit log use them."""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

MAX_ADDRESS, MAX_REQUEST_ID = 64, 100


def address_of(request: HttpRequest | Request) -> str:
    """Return the client's address. Behind the proxy it is the last forwarded one: clients can forge the others."""
    peer = str(request.META.get("REMOTE_ADDR") or "")
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        peer = forwarded or peer
    return _printable(peer)[:MAX_ADDRESS]


def request_id_of(request: HttpRequest | Request) -> str | None:
    """Return the `X-Request-ID` that the proxy or the client sent, or None."""
    return _printable(str(request.META.get("HTTP_X_REQUEST_ID", "")))[:MAX_REQUEST_ID] or None


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
