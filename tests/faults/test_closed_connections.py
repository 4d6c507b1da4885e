"""A Redis that takes every connection and closes it at once, as one does that dies while it starts: 503, never a crash.
On uvloop, which has words of its own for a line that was cut before the first command."""

import contextlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
import uvloop

from events.intake.app import admit_body
from events.intake.appender import Appender
from events.intake.request import RequestRefused
from tests.events.conftest import event

TRIES = 200


@pytest.fixture
def closing_server() -> Iterator[int]:
    """Its port."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        threading.Thread(target=close_each, args=[server], daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def close_each(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()


def test_every_post_is_answered_503(closing_server, settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{closing_server}/0"
    events = admit_body(json.dumps([event()]).encode(), class_id=None).events
    outcomes: Counter[str] = Counter()

    async def post() -> None:
        appender = Appender()
        for _ in range(TRIES):
            try:
                await appender.append(events)
            except RequestRefused as answer:
                outcomes[str(answer.status)] += 1
            except Exception as error:
                outcomes[repr(error)] += 1
        await appender.close()

    uvloop.run(post())
    assert outcomes == {"503": TRIES}
