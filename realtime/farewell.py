"""When the server is told to stop, its sockets are closed with 1001 first: "going away", so that clients come back.

uvicorn would close them with 1012 and daphne without a word, and neither tells the application before. So the signal is
heard here first and handed on once the close frames are written.
"""

import asyncio
import signal
import threading
from types import FrameType
from typing import Any

from realtime.register import here

GOING_AWAY = 1001
PATIENCE = 0.2  # seconds for the close frames to be written

_loop: asyncio.AbstractEventLoop | None = None


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Hear the signals of the server that runs this loop. Does nothing where the server has none of its own."""
    global _loop
    if threading.current_thread() is not threading.main_thread():
        return
    first, _loop = _loop is None, loop
    if first:
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.getsignal(number)
            if callable(previous) and previous is not signal.default_int_handler:
                signal.signal(number, _Handler(previous))


class _Handler:
    def __init__(self, previous: Any) -> None:
        self.previous = previous
        self.is_leaving = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.is_leaving or _loop is None or _loop.is_closed() or not here.seats:
            self.previous(number, frame)
            return
        self.is_leaving = True
        _loop.call_soon_threadsafe(self._leave, number)

    def _leave(self, number: int) -> None:
        for seat in list(here.seats):
            seat.end(GOING_AWAY)
        asyncio.get_running_loop().call_later(PATIENCE, self.previous, number, None)
