"""Close all sockets with 1001 ("going away") when the server receives a stop signal, so that clients reconnect.

uvicorn would close them with 1012 and daphne without a close frame, and neither notifies the application first. So this
module handles the signal and calls the server's own handler once the close frames are written.
"""

import asyncio
import signal
import sys
import threading
from types import FrameType
from typing import Any

from realtime.connections import connections
from realtime.watchers import watchers

GOING_AWAY = 1001
FLUSH_DELAY = 0.2  # seconds for the close frames to be written

_loop: asyncio.AbstractEventLoop | None = None


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Wrap the server's handlers of SIGTERM and SIGINT. Does nothing if the server has installed none."""
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
        self.is_closing = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.is_closing or _loop is None or _loop.is_closed() or not (connections.all or watchers.all):
            self.previous(number, frame)
            return
        self.is_closing = True
        _loop.call_soon_threadsafe(self._close_all, number)

    def _close_all(self, number: int) -> None:
        for socket in list(connections.all):
            socket.end(GOING_AWAY)
        watchers.end()  # long polls return what there is
        asyncio.get_running_loop().call_later(FLUSH_DELAY, self.previous, number, None)


def _allow_all_close_codes() -> None:
    """Let daphne send the close codes 1001 and 1009.

    It closes by autobahn's `sendClose`, which accepts 1000 and 3000 to 4999 only; `sendCloseFrame` accepts any code.
    Does nothing under another server.
    """
    daphne = sys.modules.get("daphne.ws_protocol")
    if daphne is not None:
        daphne.WebSocketProtocol.serverClose = _server_close


def _server_close(protocol: Any, code: int | None = None) -> None:
    protocol.sendCloseFrame(code=1000 if code is None else code)
