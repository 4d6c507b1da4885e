"""What waits to be written to one peer. Whoever puts something in never waits for the peer."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

MOST_FRAMES = 1_000  # a peer that lets so many pile up is gone or will never catch up
MOST_BYTES = 8 * 1024 * 1024
GIVEN_UP = 4000


class SendQueue:
    """Frames in order, then perhaps a close code, written by a task of its own.

    The channel layer's queues have no bound, so a consumer must never stop reading its own: it puts frames here, where
    there is a bound. Past it the peer is dropped; it reconnects and reloads its state.
    """

    def __init__(self, *, send: Callable[[str], Awaitable[None]], close: Callable[[int], Awaitable[None]]) -> None:
        self._send, self._close = send, close
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._code: int | None = None
        self._something = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write())

    @property
    def is_empty(self) -> bool:
        return not self._frames

    def put(self, text: str) -> None:
        if self._code is not None:
            return
        if len(self._frames) >= MOST_FRAMES or self._bytes + len(text) > MOST_BYTES:
            self._frames.clear()
            self._code = GIVEN_UP
        else:
            self._frames.append(text)
            self._bytes += len(text)
        self._something.set()

    def end(self, code: int) -> None:
        """Close after what waits already."""
        if self._code is None:
            self._code = code
            self._something.set()

    async def stop(self) -> None:
        if self._writer:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer

    async def _write(self) -> None:
        # A peer that has gone is told by the server with `websocket.disconnect`; nothing else is to be done about it.
        with contextlib.suppress(OSError, RuntimeError):
            while True:
                await self._something.wait()
                self._something.clear()
                while self._frames:
                    text = self._frames.popleft()
                    self._bytes -= len(text)
                    await self._send(text)
                if self._code is not None:
                    await self._close(self._code)
                    return
