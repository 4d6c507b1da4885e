"""Kernels behind a Jupyter Gateway or Enterprise Gateway: their messages come through a WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelManager
from jupyter_server.utils import url_path_join
from tornado.escape import url_escape
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from .contract import seconds
from .tracked import Message

SURE_SECONDS = 3.0  # after which everything that begins is seen; what began before is told by the browser
LOST_SECONDS = 10.0  # without a connection, from where the student is told to keep the page open
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 1.0, 30.0
PING_SECONDS = 20.0
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
SKEW_SECONDS = 2.0  # by which the clock of the kernel's machine may differ

log = logging.getLogger(__name__)


def is_behind_gateway(manager: Any) -> bool:
    """Tell whether a kernel's manager has no ports, because the kernel runs elsewhere."""
    return isinstance(manager, GatewayKernelManager)


class GatewayStream:
    """A connection of our own to the gateway, as each tab has one; made anew when it breaks.

    `take` hears each message of IOPub, `died` that the gateway restarts a kernel that died.
    """

    def __init__(self, kernel_id: str, take: Callable[[Message], None], died: Callable[[], None]) -> None:
        self._kernel_id, self._take, self._died = kernel_id, take, died
        self._session = uuid.uuid4().hex  # the same again: then the gateway tells what came meanwhile
        self._socket: Any = None
        self._open_at: float | None = None
        self._lost_at = time.monotonic()
        self._skew: float | None = None
        self._task: asyncio.Task[None] | None = None
        self.resume()

    @property
    def is_watching(self) -> bool:
        """Whether every run that begins now is seen."""
        return self._open_at is not None and time.monotonic() - self._open_at >= SURE_SECONDS

    @property
    def is_lost(self) -> bool:
        """Whether there has been no connection for so long that somebody should know."""
        return self._task is not None and self._open_at is None and time.monotonic() - self._lost_at > LOST_SECONDS

    @property
    def is_open(self) -> bool:
        return self._open_at is not None

    @property
    def is_paused(self) -> bool:
        return self._task is None

    def resume(self) -> None:
        """Connect, unless that is done or under way."""
        if self._task is None:
            self._lost_at = time.monotonic()
            self._task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """Let go of the kernel, so that the gateway may end it if nobody uses it."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._disconnected()

    def closed(self) -> bool:
        return self.is_paused

    async def _run(self) -> None:
        pause = FIRST_RETRY_SECONDS
        while True:
            try:
                self._socket = await websocket_connect(
                    self._request(), ping_interval=PING_SECONDS, max_message_size=MAX_MESSAGE_BYTES
                )
                self._open_at = time.monotonic()
                pause = FIRST_RETRY_SECONDS
                while True:
                    frame = await self._socket.read_message()
                    if frame is None:
                        break
                    self._receive(frame)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # refused, a page instead of a socket, no such kernel
                log.info("Cell Monitor cannot watch kernel %s at the gateway: %s", self._kernel_id, error)
            self._disconnected()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_RETRY_SECONDS)

    def _request(self) -> HTTPRequest:
        client: Any = GatewayClient.instance()
        url = url_path_join(client.ws_url or "", client.kernels_endpoint or "", url_escape(self._kernel_id), "channels")
        return HTTPRequest(f"{url}?session_id={self._session}", **client.load_connection_args())

    def _disconnected(self) -> None:
        if self._open_at is not None:
            self._lost_at = time.monotonic()
        self._open_at = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            return  # a message with binary buffers: those of widgets
        try:
            message = json.loads(frame)
            if message.get("channel") != "iopub":
                return
            content, parent = message["content"], message.get("parent_header") or {}
            kind = message["header"]["msg_type"]
            if kind == "status" and content.get("execution_state") in ("restarting", "dead"):
                self._died()
                return
            taken = Message(
                type=kind,
                date=self._ours(message["header"].get("date")),
                parent_id=parent.get("msg_id"),
                parent_type=parent.get("msg_type"),
                size=len(frame),
                load=lambda: content,
                subshell_id=parent.get("subshell_id"),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("Cell Monitor did not understand a message of kernel %s", self._kernel_id, exc_info=True)
            return
        self._take(taken)

    def _ours(self, date: Any) -> float:
        """Return the time of a header by this machine's clock; the kernel's machine may have another."""
        now = time.time()
        try:
            theirs = seconds(date)
        except (TypeError, ValueError, AttributeError):
            return now
        late = now - theirs  # by which the message is late, or their clock slow: the least of these is the clock
        if self._skew is None or late < self._skew - SKEW_SECONDS:
            self._skew = late
        return theirs + self._skew if abs(self._skew) > SKEW_SECONDS else theirs
