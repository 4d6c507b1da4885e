"""Types of ASGI applications, and reading of a request's headers."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def header(scope: Scope, name: bytes) -> bytes:
    """Return the header's value, or b"" if it was not sent."""
    for key, value in scope["headers"]:  # a generator would cost as much as parsing the event
        if key == name:
            return bytes(value)
    return b""
