"""The base class of all consumers: join groups before accepting, answer frames, limit their rate, and clean up.

A consumer reads its peer's frames and the channel layer's messages one at a time and writes to a send queue, never to
the peer directly, so that a slow or dead peer blocks neither others nor its own consumer.
"""

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from redis.exceptions import RedisError

from classroom.sockets import background_tasks, replies
from classroom.sockets.requests import BadRequest, Frame
from instructors.credentials import Credential
from realtime.connections import AUTHENTICATION_FAILED, ClientType, connections
from realtime.messages import encode
from realtime.send_queue import SendQueue

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 64 * 1024  # from a client
MAX_FRAMES = 30  # from a client, in any second
NORMAL, TOO_BIG, FAILURE = 1000, 1009, 4000  # close codes
MAX_KEYS = 200  # keys of notices that are stored to drop duplicates

Handler = Callable[[Any, Frame], Awaitable[None]]


async def refuse(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Refuse a handshake: close the connection before accepting it, which a browser sees as HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": NORMAL})


class Socket(AsyncWebsocketConsumer, ABC):  # type: ignore[misc]  # Channels has no types
    kind: ClientType = "dashboard"
    background: background_tasks.BackgroundTasks  # from connect() on
    answers: ClassVar[Mapping[str, Handler]] = {}  # by the type of the frame

    def __init__(self) -> None:
        super().__init__()
        self.client_id = ""
        self.room: str | None = None
        self.account_id: int | None = None
        self.credential: Credential | None = None
        self.key_id: int | None = None
        self.token_id: int | None = None
        self.class_ids: set[int] = set()
        self.joined: set[str] = set()
        self.followed: set[str] = set()
        self.connected_at, self.heard_at = time.time(), time.monotonic()
        self.accepted = self.ending = False
        self.frame_times: deque[float] = deque(maxlen=MAX_FRAMES)
        self.warned_at = 0.0
        self.known_keys: deque[str] = deque(maxlen=MAX_KEYS)
        self.tasks: list[asyncio.Task[None]] = []
        self.send_queue = SendQueue(send=self._write, close=self.close)

    # --- To be overridden -------------------------------------------------------------------------------------------

    @abstractmethod
    async def groups_to_join(self) -> list[str] | None:
        """Return the groups to join; None refuses the connection."""

    async def on_joined(self) -> None:
        """Run after the groups are joined, before the handshake is accepted."""

    async def on_connected(self) -> None:
        """Run after the groups are joined and the handshake is accepted."""

    async def on_text(self, text: str) -> None:
        """Handle a frame that is not JSON."""
        self.send_frame(replies.Error("A frame must be a JSON object"))

    # --- Connecting and disconnecting -------------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        except (RedisError, OSError):
            logger.exception("The channel layer does not answer")
            with contextlib.suppress(OSError, RuntimeError):
                await send({"type": "websocket.close", "code": FAILURE})
        finally:
            await self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler of the message's type.

        Channels' own dispatch() also closes old database connections, which would send every frame through the single
        thread for queries; `database_sync_to_async` does that anyway. An unexpected exception closes the connection
        with a code after which clients reconnect.
        """
        try:
            await getattr(self, get_handler_name(message))(message)
        except (StopConsumer, asyncio.CancelledError):
            raise
        except Exception as error:
            if not isinstance(error, OSError):  # OSError: the peer has gone
                logger.exception("A socket failed at %s", message.get("type"))
            await self._fail()

    async def _fail(self) -> None:
        if self.accepted:
            self.end(FAILURE)
        else:
            with contextlib.suppress(OSError):
                await self.close(FAILURE)

    async def connect(self) -> None:
        groups = await self.groups_to_join()
        if groups is None:
            await self.close(AUTHENTICATION_FAILED)  # before accept: the server refuses the handshake with 403
            return
        # Join before accepting the handshake, so that the peer receives everything that is sent after it.
        self.background = await background_tasks.start()
        await self.background.follow(sorted(self.followed))
        for group in groups:
            await self.join_group(group)
        await self.on_joined()
        await self.accept()
        self.accepted = True
        connections.add(self)
        await self.on_connected()
        self.send_queue.start()

    async def join_group(self, group: str) -> None:
        if group not in self.joined:
            self.joined.add(group)
            connections.join(self, group)
            await self.channel_layer.group_add(group, self.channel_name)

    async def leave_group(self, group: str) -> None:
        if group in self.joined:
            self.joined.remove(group)
            connections.leave(self, group)
            await self.channel_layer.group_discard(group, self.channel_name)

    async def _leave(self) -> None:
        connections.remove(self)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(self.send_queue.stop(), *self.tasks, return_exceptions=True)
        with contextlib.suppress(RedisError, OSError):
            for group in list(self.joined):
                await self.leave_group(group)

    def end(self, code: int) -> None:
        """Close once the waiting frames are written."""
        self.ending = True
        self.send_queue.end(code)

    async def end_idle(self) -> None:
        self.end(NORMAL)

    def run(self, work: Awaitable[None]) -> None:
        """Run a coroutine as a task that is cancelled with the connection."""
        self.tasks.append(asyncio.ensure_future(work))

    # --- From the peer ----------------------------------------------------------------------------------------------

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.scope.get("query_string", b"").decode("latin-1"))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.ending:
            return
        self.heard_at = time.monotonic()
        sent = text_data.encode(errors="replace") if text_data is not None else bytes_data or b""
        if len(sent) > MAX_FRAME_BYTES:
            self.end(TOO_BIG)
        elif self._is_too_fast():
            if self.heard_at - self.warned_at > 1:
                self.warned_at = self.heard_at
                self.send_frame(replies.Error(f"More than {MAX_FRAMES} frames a second; what is above is not read"))
        else:
            await self._answer(sent)

    def _is_too_fast(self) -> bool:
        if len(self.frame_times) == MAX_FRAMES and self.heard_at - self.frame_times[0] < 1:
            return True
        self.frame_times.append(self.heard_at)
        return False

    async def _answer(self, sent: bytes) -> None:
        try:
            frame = msgspec.json.decode(sent)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            await self.on_text(sent.decode(errors="replace"))
            return
        kind = frame.get("type") if isinstance(frame, dict) else None
        if not isinstance(frame, dict):
            self.send_frame(replies.Error("A frame must be a JSON object"))
        elif kind == "ping":
            self.send_frame(replies.Pong())
        elif isinstance(kind, str) and kind in self.answers:
            try:
                await self.answers[kind](self, frame)
            except BadRequest as error:
                self.send_frame(replies.Error(str(error)))
        else:
            self.send_frame(replies.Error(f"Unknown message type: {str(kind)[:100]}"))

    # --- From the channel layer: these handlers never block ---------------------------------------------------------

    async def notice(self, message: dict[str, Any]) -> None:
        """Send a frame to the peer; drop it if it arrives through a second group, which its key shows."""
        if message["key"] not in self.known_keys:
            self.known_keys.append(message["key"])
            self.send_text(self.adapt(message["name"], message["text"]))

    def adapt(self, name: str, text: str) -> str:
        """Return an encoded notice in the form that this kind of client receives."""
        return text

    # --- To the peer ------------------------------------------------------------------------------------------------

    def send_frame(self, frame: msgspec.Struct) -> None:
        self.send_text(encode(frame))

    def send_text(self, text: str) -> None:
        if not self.ending:
            self.send_queue.put(text)

    async def _write(self, text: str) -> None:
        await self.send(text_data=text)
        self.heard_at = time.monotonic()
        connections.frames_sent += 1
