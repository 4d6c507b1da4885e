"""Addresses as clients spell them, and as logs may hold them."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.urls import Resolver404, resolve

from config.errors import API_PREFIX

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

SOCKETS = ("/ws", "/instructor/ws", API_PREFIX)


def normalize(path: str, *, is_socket: bool = False) -> str:
    """Return a path of the API with one slash where there are several: `serverUrl` with a slash at its end makes
    `//api/v1/events`. Where two are meant, as in the path of a notebook, they stay."""
    if "//" not in path:
        return path
    short = re.sub("/{2,}", "/", path)
    if not short.startswith(SOCKETS if is_socket else API_PREFIX):
        return path
    try:
        resolve(path)
    except Resolver404:
        return short
    return path


class PathNormalization:
    """The outermost application: whoever comes after it sees tidy paths. No redirect, which would lose a body."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if "//" in scope.get("path", ""):
            scope = {**scope, "path": normalize(scope["path"], is_socket=scope["type"] == "websocket")}
        await self.application(scope, receive, send)
