"""Collapse repeated slashes in request paths."""

import re

from django.urls import Resolver404, resolve

from config.errors import API_PREFIX
from core.asgi import Application, Receive, Scope, Send

SOCKETS = ("/ws", "/instructor/ws", API_PREFIX)


def normalize(path: str, *, is_socket: bool = False) -> str:
    """Return an API path with repeated slashes collapsed.

    A `serverUrl` that ends with a slash makes `//api/v1/events`. A path that resolves unchanged stays: a notebook
    path may contain two slashes.
    """
    if "//" not in path:
        return path
    collapsed = re.sub("/{2,}", "/", path)
    if not collapsed.startswith(SOCKETS if is_socket else API_PREFIX):
        return path
    try:
        resolve(path)
    except Resolver404:
        return collapsed
    return path


class PathNormalization:
    """The outermost ASGI middleware. It rewrites paths instead of redirecting, because a redirect loses the body."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "//" in scope.get("path", ""):
            scope = {**scope, "path": normalize(scope["path"], is_socket=scope["type"] == "websocket")}
        await self.application(scope, receive, send)
