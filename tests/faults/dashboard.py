"""A dashboard's socket, which is never opened again: what it hears after a failover came through the server's own new
connections."""

import asyncio
import threading
import time
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


class Dashboard:
    """A context. `heard` is when the last row of a student arrived, `time.monotonic()`."""

    def __init__(self, url: str) -> None:
        self.url = f"{url.replace('http', 'ws', 1)}/ws"
        self.heard = 0.0
        self.is_closed = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)

    def __enter__(self) -> "Dashboard":
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        self._thread.join(60)

    async def _listen(self) -> None:
        async with connect(self.url, proxy=None, max_size=None) as socket:
            try:
                while not self._stop.is_set():
                    with suppress(TimeoutError):
                        if '"progress_update"' in str(await asyncio.wait_for(socket.recv(), 0.5)):
                            self.heard = time.monotonic()
            except ConnectionClosed:
                self.is_closed = True
