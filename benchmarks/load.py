"""The load generator, a separate process: `python -m benchmarks.load`. It starts on a line on stdin.

Bodies are built before the clock starts, connections are kept open, one request is under way on each. It says `ready`
on stdout, waits for a line, sends everything, and writes what it saw as one line of JSON.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvloop

from benchmarks.bodies import CELLS, requests

AGAIN = 0.05  # seconds until a request that was answered 503 is sent again
HANG = 600  # seconds after which a run that does not end is given up


class Connection(asyncio.Protocol):
    """A connection that sends the next request as soon as the last one is answered."""

    def __init__(self, *, waiting: list[bytes], answers: Counter[int], done: "asyncio.Future[None]") -> None:
        self._waiting, self._answers, self._done = waiting, answers, done
        self._request = b""
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed a connection"))

    def next(self) -> None:
        if self._waiting:
            self._request = self._waiting.pop()
            self._transport.write(self._request)
        elif not self._done.done():
            self._done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self._buffer = b""
        status = int(head[9:12])
        self._answers[status] += 1
        if status == 503:
            self._waiting.append(self._request)
            asyncio.get_running_loop().call_later(AGAIN, self.next)
        else:
            self.next()


async def send(*, port: int, waiting: list[bytes], connections: int) -> dict[str, Any]:
    """Send everything; times are seconds since the epoch, so that another process can compare them."""
    loop = asyncio.get_running_loop()
    answers: Counter[int] = Counter()
    waiting.reverse()  # `pop` takes from the end
    lines = []
    for _ in range(min(connections, len(waiting))):
        done: asyncio.Future[None] = loop.create_future()
        _, line = await loop.create_connection(
            partial(Connection, waiting=waiting, answers=answers, done=done), "127.0.0.1", port
        )
        lines.append((line, done))
    first, cpu = time.time(), time.process_time()
    for line, _ in lines:
        line.next()
    await asyncio.gather(*(done for _, done in lines))
    return {"first": first, "last": time.time(), "cpu": time.process_time() - cpu, "answers": dict(answers)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """The results of the generator."""

    first: float  # seconds since the epoch: the first POST goes out
    last: float  # the last answer is in
    cpu: float  # seconds of processor the generator itself took
    answers: dict[str, int]  # how many of each status

    def check(self) -> None:
        if set(self.answers) - {"202", "503"}:
            raise RuntimeError(f"the server did not accept everything: {self.answers}")


class Generator:
    """The generator process: prepared first, started later."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def go(self) -> Sent:
        """Send everything and return once the last answer is in."""
        out, _ = self._process.communicate("go\n", timeout=HANG)
        if self._process.returncode:
            raise RuntimeError("the load generator failed; its error is above")
        sent = Sent(**json.loads(out.splitlines()[-1]))
        sent.check()
        return sent


@contextlib.contextmanager
def prepared(
    *, port: int, tag: str, count: int, size: int, students: int, connections: int, cells: int = CELLS, first: int = 0
) -> Iterator[Generator]:
    """Return a generator that has built its bodies; see `bodies.requests`."""
    options = {"port": port, "tag": tag, "count": count, "size": size, "students": students}
    options |= {"cells": cells, "first": first}
    command = [sys.executable, "-m", "benchmarks.load", f"--connections={connections}"]
    process = subprocess.Popen(
        [*command, *(f"--{name}={value}" for name, value in options.items())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the load generator did not get ready")
        yield Generator(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("port", "count", "size", "students", "connections", "cells", "first"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--tag", required=True)
    given = parser.parse_args()
    waiting = requests(
        tag=given.tag, count=given.count, size=given.size, students=given.students, cells=given.cells, first=given.first
    )
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(uvloop.run(send(port=given.port, waiting=waiting, connections=given.connections))), flush=True)


if __name__ == "__main__":
    main()
