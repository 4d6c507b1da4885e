"""When the server is told to stop, its sockets are closed with 1001 first: "going away", so that clients come back.

uvicorn would close them with 1012 and daphne without a word, and neither tells the application before. So the signal is
heard here first and handed on once the close frames are written.
"""

import asyncio
import signal
import sys
import threading
from types import FrameType
from typing import Any

from realtime.connections import connections

GOING_AWAY = 1001
PATIENCE = 0.2  # seconds for the close frames to be written

_loop: asyncio.AbstractEventLoop | None = None


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Hear the signals of the server that runs this loop. Does nothing where the server has none of its own."""
    global _loop
    _allow_all_close_codes()
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
        if self.is_leaving or _loop is None or _loop.is_closed() or not connections.all:
            self.previous(number, frame)
            return
        self.is_leaving = True
        _loop.call_soon_threadsafe(self._leave, number)

    def _leave(self, number: int) -> None:
        for socket in list(connections.all):
            socket.end(GOING_AWAY)
        asyncio.get_running_loop().call_later(PATIENCE, self.previous, number, None)


def _allow_all_close_codes() -> None:
    """daphne closes through a door of its library that lets an application say 1000 and 3000 to 4999 only; here go 1001
    and 1009 too, by the door beside it. Nothing to do where another server runs."""
    daphne = sys.modules.get("daphne.ws_protocol")
    if daphne is not None:
        daphne.WebSocketProtocol.serverClose = _server_close


def _server_close(protocol: Any, code: int | None = None) -> None:
    protocol.sendCloseFrame(code=1000 if code is None else code)
