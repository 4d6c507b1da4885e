"""Where a request comes from: the address that limits count and the audit log keeps."""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

LONGEST_ADDRESS, LONGEST_REQUEST_ID = 64, 100


def address_of(request: HttpRequest | Request) -> str:
    """The client's address. Behind our own proxy the last forwarded one: those before it are the client's own words."""
    peer = str(request.META.get("REMOTE_ADDR") or "")
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        peer = forwarded or peer
    return _clean(peer)[:LONGEST_ADDRESS]


def request_id_of(request: HttpRequest | Request) -> str | None:
    """The id that the proxy or the caller gave the request."""
    return _clean(str(request.META.get("HTTP_X_REQUEST_ID", "")))[:LONGEST_REQUEST_ID] or None


def _clean(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
