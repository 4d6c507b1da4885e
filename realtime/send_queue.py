"""The frames that wait to be written to one peer. Adding a frame never blocks on the peer."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

MAX_FRAMES = 1_000  # a peer with so many unread frames is gone or too slow
MAX_BYTES = 8 * 1024 * 1024
OVERFLOW = 4000  # close code


class SendQueue:
    """Frames in order, then an optional close code, written by a task of its own.

    The channel layer's queues are unbounded, so a consumer must never stop reading its own: it puts frames into this
    bounded queue. When the queue overflows the peer is disconnected; it reconnects and reloads its state.
    """

    def __init__(self, *, send: Callable[[str], Awaitable[None]], close: Callable[[int], Awaitable[None]]) -> None:
        self._send, self._close = send, close
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._code: int | None = None
        self._not_empty = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write())

    @property
    def is_empty(self) -> bool:
        return not self._frames

    def put(self, text: str) -> None:
        if self._code is not None:
            return
        if len(self._frames) >= MAX_FRAMES or self._bytes + len(text) > MAX_BYTES:
            self._frames.clear()
            self._code = OVERFLOW
        else:
            self._frames.append(text)
            self._bytes += len(text)
        self._not_empty.set()

    def end(self, code: int) -> None:
        """Close with `code` once the waiting frames are written."""
        if self._code is None:
            self._code = code
            self._not_empty.set()

    async def stop(self) -> None:
        if self._writer:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer

    async def _write(self) -> None:
        # When the peer has gone the server sends `websocket.disconnect` to the consumer; there is nothing to do here.
        with contextlib.suppress(OSError, RuntimeError):
            while True:
                await self._not_empty.wait()
                self._not_empty.clear()
                while self._frames:
                    text = self._frames.popleft()
                    self._bytes -= len(text)
                    await self._send(text)
                if self._code is not None:
                    await self._close(self._code)
                    return
