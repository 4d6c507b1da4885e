"""A balancer of connections, as HAProxy in TCP mode: each goes to the next server that answers."""

import asyncio
import itertools
import threading
from collections.abc import Sequence
from contextlib import suppress

from operations.local.embedded_valkey import free_port
from tests.faults.tcp_proxy import carry

CONNECT = 1.0  # seconds for a server to accept, before the next one is asked


class Balancer:
    """In a thread of its own from `open` on."""

    def __init__(self, servers: Sequence[tuple[str, int]]) -> None:
        self.port, self._servers = free_port(), list(servers)
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._thread.start()
        start = asyncio.start_server(self._forward, "127.0.0.1", self.port)
        asyncio.run_coroutine_threadsafe(start, self._loop).result(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if server := await self._connect():
                inner, outer = server
                await asyncio.gather(carry(reader, outer), carry(inner, writer), return_exceptions=True)
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for number in range(len(self._servers)):
            host, port = self._servers[(first + number) % len(self._servers)]
            with suppress(OSError, TimeoutError):
                return await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT)
        return None
