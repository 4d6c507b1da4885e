"""Reading a request of the intake: its headers, its credentials and its body."""

from urllib.parse import parse_qs

from django.conf import settings

from core import gzip_body
from core.asgi import Receive, Scope, header
from events.contract.records import Problem
from instructors.rest.exceptions import too_large_for

MAX_DRAINED = 64 * 1024 * 1024  # bytes


class RequestRefused(Exception):
    """The request is refused with this status and detail."""

    def __init__(self, status: int, detail: str | list[Problem]) -> None:
        super().__init__(str(detail))
        self.status, self.detail = status, detail


def credentials(scope: Scope) -> tuple[str | None, str | None]:
    """Return the class key and the student token that were sent, each or None.

    The key may be in a header or, because the extension in the field cannot set headers, in the query string.
    """
    key = authorization = b""
    for name, value in scope["headers"]:  # once, because it costs as much as parsing the event
        if name == b"x-class-key":
            key = key or value
        elif name == b"authorization":
            authorization = authorization or value
    token = None
    if authorization[:8].lower() == b"student ":
        token = authorization[8:].decode("latin-1").strip()
    if key:
        return key.decode("latin-1").strip(), token
    if b"key=" in scope.get("query_string", b""):
        values = parse_qs(scope["query_string"].decode("latin-1")).get("key")
        return values[0].strip() if values else None, token
    return None, token


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the inflated body.

    Raises RequestRefused: 413 beyond the limit, 400 for a corrupt body, 415 for an unknown encoding.
    """
    encoding = header(scope, b"content-encoding").lower()
    is_gzip = encoding.decode("latin-1") in gzip_body.NAMES
    if not is_gzip and encoding not in (b"", b"identity"):
        raise RequestRefused(415, f"Unsupported Content-Encoding: {encoding.decode('latin-1')}; send gzip or none")
    limit = settings.EVENT_BODY_LIMIT
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(400, "The request ended before its body did")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            if message.get("more_body", False):
                await read_rest(receive)
            raise RequestRefused(413, too_large_for(limit))
        chunks.append(chunk)
        more = message.get("more_body", False)
    body = b"".join(chunks)
    return inflate(body, limit=limit) if is_gzip else body


async def read_rest(receive: Receive) -> None:
    """Read and drop the rest of a refused body, at most MAX_DRAINED bytes.

    A client that reads only after sending the whole body thus gets the response and not a closed connection.
    """
    dropped, more = 0, True
    while more and dropped < MAX_DRAINED:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)


def inflate(body: bytes, *, limit: int) -> bytes:
    """Return the content of a gzip body. Raises RequestRefused 400 or 413."""
    try:
        return gzip_body.inflate(body, limit=limit)
    except gzip_body.BadGzip as error:
        raise RequestRefused(400, str(error)) from None
    except gzip_body.TooLong:
        raise RequestRefused(413, f"Inflated body exceeds the maximum size of {limit} bytes") from None
