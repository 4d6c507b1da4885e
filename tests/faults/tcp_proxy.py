"""A proxy before a server that can be closed at any moment, in the middle of a request too.

VictoriaMetrics keeps what it took for up to a second in memory, so a kill would lose what it had answered for, which
InfluxDB, with its log, would not. Closing it looks to the product like a kill; the server behind it then gets
the second, and is killed for real.

Or it may be cut: everything stays open, and no byte is carried any more, as of a server that hangs: its kernel still
answers for it. Or it vanishes: packets to it are thrown away by a filter of its sockets, which needs no rights and only
Linux has, as of a machine without power or behind a dead switch: not even the kernel answers.
"""

import asyncio
import ctypes
import socket
import struct
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from operations.local.embedded_valkey import free_port

SO_ATTACH_FILTER = 26  # linux/socket.h; Python has no name for it
_DROP = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # a program of one instruction: keep 0 bytes
DROP_ALL = struct.pack("HL", 1, ctypes.addressof(_DROP))


class TcpProxy:
    """Forwards from `port` to `behind`, a port on loopback or a Unix socket."""

    def __init__(self, *, behind: int | Path) -> None:
        self.port, self._behind = free_port(), behind
        self._is_carrying = asyncio.Event()
        self._is_carrying.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()  # those of `_writers` that lead to who connected
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._run(self._open())

    def disconnect(self) -> None:
        """Close all connections and accept no more."""
        self._run(self._disconnect())

    def cut(self) -> None:
        """Carry nothing from now on. What connects is taken, and hears nothing."""
        self._loop.call_soon_threadsafe(self._is_carrying.clear)

    def heal(self, *, forget: bool) -> None:
        """Carry again what was held back; with `forget` the connections of before end, as of a firewall that lost
        them."""
        if forget:
            self.disconnect()
        self._loop.call_soon_threadsafe(self._is_carrying.set)
        if forget:
            self.open()

    def vanish(self) -> None:
        """Answer nothing from now on, in no way: new connections are not refused, and old ones are not closed."""
        self._run(self._vanish())

    def come_back(self) -> None:
        """After `vanish` take new connections and carry for them. The old ones stay as they are."""
        self._run(self._come_back())

    def close(self) -> None:
        self.disconnect()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def _disconnect(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _vanish(self) -> None:
        assert self._server is not None
        self._is_carrying.clear()
        # What is not acknowledged yet would be sent again from here, and be a sign of life.
        await asyncio.sleep(0.3)
        for each in [*self._server.sockets, *(writer.get_extra_info("socket") for writer in self._clients)]:
            each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, DROP_ALL)

    async def _come_back(self) -> None:
        assert self._server is not None
        self._server.close()
        self._server, self._is_carrying = None, asyncio.Event()
        self._is_carrying.set()
        await self._open()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._behind, Path):
            return await asyncio.open_unix_connection(self._behind)
        return await asyncio.open_connection("127.0.0.1", self._behind)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_carrying = self._is_carrying  # another one after `come_back`
        self._writers.add(writer)
        self._clients.add(writer)
        try:
            await is_carrying.wait()
            inner, outer = await self._connect()
            self._writers.add(outer)
            try:
                await asyncio.gather(carry(reader, outer, is_carrying), carry(inner, writer, is_carrying))
            finally:
                self._writers.discard(outer)
                outer.close()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            self._clients.discard(writer)
            writer.close()


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_carrying: asyncio.Event | None = None
) -> None:
    """Write what is read until its end, then close the writer. Nothing while `is_carrying` is not set."""
    try:
        while data := await reader.read(65536):
            if is_carrying is not None:
                await is_carrying.wait()
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
