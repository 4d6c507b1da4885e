"""Frames are compressed once for all sockets that receive the same bytes, on a real server and with real clients."""

import asyncio
import json
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from config import websocket_protocol
from operations.local import programs

ROWS = json.dumps(
    [{"studentId": number, "userName": f"学生 {number:03d}"} for number in range(200)], ensure_ascii=False
)
FRAMES = [ROWS, "{}", ROWS + " ", "あ" * 100_000, "", ROWS]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send FRAMES, then whatever comes back."""
    if scope["type"] != "websocket":
        raise RuntimeError("WebSockets only")
    await receive()
    await send({"type": "websocket.accept"})
    for frame in FRAMES:
        await send({"type": "websocket.send", "text": frame})
    await send({"type": "websocket.send", "bytes": ROWS.encode()})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        command = programs.web(host="127.0.0.1", port=1).argv
        protocol = command[command.index("--ws") + 1]
        server = uvicorn.Server(uvicorn.Config(application, ws=protocol, lifespan="off", log_level="warning"))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await task


async def heard(client: ClientConnection) -> list[str | bytes]:
    return [await client.recv() for _ in range(len(FRAMES) + 1)]


def test_each_socket_receives_each_frame_whatever_compression_it_asks_for():
    async def run() -> None:
        small = [ClientPerMessageDeflateFactory(server_max_window_bits=9)]
        keeping = [ClientPerMessageDeflateFactory(client_max_window_bits=None)]
        async with (
            serving() as url,
            connect(url) as usual,
            connect(url) as another,
            connect(url, compression=None) as plain,
            connect(url, compression=None, extensions=small) as narrow,
            connect(url, compression=None, extensions=keeping) as wide,
        ):
            assert not plain.protocol.extensions
            for client in (usual, another, narrow, wide):
                assert "remote_no_context_takeover=True" in repr(client.protocol.extensions)
            for client in (usual, another, plain, narrow, wide):
                assert await heard(client) == [*FRAMES, ROWS.encode()]
                for text in (ROWS, "{}", ROWS):
                    await client.send(text)
                    assert await client.recv() == text

    asyncio.run(run())


def test_a_frame_is_compressed_once_for_all(monkeypatch):
    made = []

    def counted(*arguments: Any, **options: Any) -> Any:
        made.append(options["wbits"])
        return zlib.compressobj(*arguments, **options)

    class Zlib:
        Z_SYNC_FLUSH, compressobj = zlib.Z_SYNC_FLUSH, staticmethod(counted)

    monkeypatch.setattr(websocket_protocol, "zlib", Zlib)
    websocket_protocol._recent.clear()

    async def run() -> None:
        async with serving() as url, connect(url) as one, connect(url) as another:
            await heard(one)
            await heard(another)

    asyncio.run(run())
    assert len(made) == len({ROWS, ROWS + " ", "あ" * 100_000})


def test_what_is_compressed_is_small_and_what_is_remembered_is_bounded():
    data = ROWS.encode()
    assert len(websocket_protocol.compressed(data, window_bits=15)) < len(data) / 6
    for number in range(100):
        websocket_protocol.compressed(b"%d" % number * 1000, window_bits=15)
    assert len(websocket_protocol._recent) == websocket_protocol.REMEMBERED
