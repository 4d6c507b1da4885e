"""What a client sends before an application sees it is bounded in size, number and time, on a real server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect

from config import http_protocol
from config.http_protocol import MAX_HEAD, MAX_HEADERS
from operations.local import programs

START = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
SOON = 0.3  # seconds


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the length of the body; echo one frame of a socket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(3 * SOON)
        await send({"type": "websocket.send", "text": (await receive())["text"]})
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message.get("more_body", False)
    await asyncio.sleep(3 * SOON if scope["path"] == "/slow" else 0)
    content = str(size).encode()
    headers = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        command = programs.web(host="127.0.0.1", port=1).argv
        protocols = {name: command[command.index(f"--{name}") + 1] for name in ("http", "ws")}
        server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_level="error", **protocols))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        await task


async def answer(*parts: bytes, pause: float = 0.01) -> bytes:
    """Send the parts one after another; return what comes back until the server ends the connection, or long enough."""
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        found: list[bytes] = []

        async def read() -> None:  # meanwhile: what is sent after the end makes the system drop what was not read
            with suppress(ConnectionError):
                while chunk := await reader.read(100_000):
                    found.append(chunk)

        reading = asyncio.create_task(read())
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        await asyncio.wait([reading], timeout=5 * SOON)
        reading.cancel()
        writer.close()
        return b"".join(found)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(http_protocol, "SECONDS", {"head": SOON, "body": 2 * SOON})


def many(number: int) -> bytes:
    return b"".join(b"x-%d: a\r\n" % each for each in range(number))


@pytest.mark.parametrize(
    "parts",
    [
        (START + many(MAX_HEADERS) + b"\r\n",),
        (START, many(MAX_HEADERS), b"\r\n"),
        (START + b"x: " + b"a" * MAX_HEAD + b"\r\n\r\n",),
        (START + b"x: " + b"a" * (MAX_HEAD // 2), b"b" * MAX_HEAD),  # and no end of it
        (b"GET /" + b"a" * MAX_HEAD, b"a" * MAX_HEAD),
        (START + b"Content-Length: 1\r\n\r\na" + START, b"x: " + b"a" * MAX_HEAD, b"b" * MAX_HEAD),
    ],
)
async def test_headers_that_are_too_many_or_too_large_are_431(parts):
    found = await answer(*parts)
    assert b"HTTP/1.1 431 Request Header Fields Too Large\r\n" in found
    assert found.endswith(b'{"detail": "Request Header Fields Too Large"}')


@pytest.mark.parametrize(
    "parts",
    [
        (START + many(MAX_HEADERS - 2) + b"Content-Length: 3\r\n\r\nabc",),
        (START + b"x: " + b"a" * (MAX_HEAD - 1000) + b"\r\nContent-Length: 3\r\n\r\n", b"a", b"bc"),
        (START + b"Content-Length: 3\r\n\r\nabc" + START + b"Content-Length: 3\r\n\r\nabc",),
    ],
)
async def test_others_are_answered(parts):
    assert (await answer(*parts)).count(b"\r\n\r\n3") == b"".join(parts).count(b"POST")


async def test_a_large_body_is_no_head():
    size = 5 * MAX_HEAD
    body = b"Content-Length: %d\r\n\r\n" % size + b"a" * size
    assert (await answer(START + body, START + body)).count(b"\r\n\r\n%d" % size) == 2


@pytest.mark.parametrize(
    ("parts", "pause"),
    [
        ((), 0),
        ((START,), 0),
        ((START, b"a: b\r\n", b"c: d\r\n", b"e: f\r\n", b"g: h\r\n"), 0.7 * SOON),  # always one more
        ((START + b"Content-Length: 9\r\n\r\n", b"a", b"a", b"a", b"a"), 0.7 * SOON),
        ((START + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", b"1\r\na\r\n", b"1\r\na\r\n"), 0.8 * SOON),
    ],
)
async def test_what_does_not_end_is_408(parts, pause):
    found = await answer(*parts, pause=pause)
    assert found.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


async def test_a_slow_answer_is_waited_for():
    assert (await answer(START.replace(b"/ ", b"/slow ") + b"Content-Length: 1\r\n\r\na")).endswith(b"\r\n\r\n1")


async def test_a_slow_answer_to_a_body_in_pieces_is_waited_for():
    found = await answer(START.replace(b"/ ", b"/slow ") + b"Content-Length: 2\r\n\r\n", b"a", b"a")
    assert found.endswith(b"\r\n\r\n2")


async def test_a_socket_stays_open():
    async with serving() as port, connect(f"ws://127.0.0.1:{port}/") as client:
        await client.send("hello")
        assert await client.recv() == "hello"


async def test_what_is_no_http_is_400():
    assert (await answer(b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 Bad Request\r\n")
