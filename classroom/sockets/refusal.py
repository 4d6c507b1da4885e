"""Refuse a handshake: close the connection before accepting it, which a browser sees as HTTP 403."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any


async def refuse(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1000})
