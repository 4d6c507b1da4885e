"""A sender for tests of the whole system: many connections, and the patience of the extension in the field."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit


def post_all(
    url: str,
    batches: Sequence[Sequence[dict[str, Any]]],
    *,
    connections: int = 8,
    seconds: float = 60,
    at_a_third: Callable[[], None] = lambda: None,
) -> int:
    """Post every batch until it is accepted: again after a lost connection or a 5xx, with the same event ids. Calls
    `at_a_third` when a third of them is accepted. Returns the number of tries that failed on the way."""
    waiting = [json.dumps(batch, ensure_ascii=False).encode() for batch in reversed(batches)]
    failures = 0

    async def sender(host: str, port: int, deadline: float) -> None:
        nonlocal failures
        reader: asyncio.StreamReader | None = None
        writer: asyncio.StreamWriter | None = None
        while waiting:
            body = waiting.pop()
            if len(waiting) == len(batches) * 2 // 3:
                at_a_third()
            while True:
                assert time.monotonic() < deadline, f"{len(waiting)} batches were not accepted in time"
                try:
                    if writer is None or reader is None:
                        reader, writer = await asyncio.open_connection(host, port)
                    status = await _post(reader, writer, body)
                    assert status < 400 or status >= 500, f"refused with {status}"
                    if status == 202:
                        break
                except (OSError, asyncio.IncompleteReadError):
                    if writer:
                        writer.close()
                    reader = writer = None
                failures += 1
                await asyncio.sleep(0.05)
        if writer:
            writer.close()
            await writer.wait_closed()

    async def send() -> None:
        address = urlsplit(url)
        deadline = time.monotonic() + seconds
        await asyncio.gather(
            *(sender(str(address.hostname), int(address.port or 80), deadline) for _ in range(connections))
        )

    asyncio.run(send())
    return failures


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    answer = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(line for line in answer.split("\r\n") if line.lower().startswith("content-length:"))
    await reader.readexactly(int(length.partition(":")[2]))
    return int(answer.split(" ", 2)[1])
