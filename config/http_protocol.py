"""uvicorn's HTTP protocol with bounds on what a client may send before an application sees it.

uvicorn takes any number of headers of any size, and waits for the rest of a request as long as the connection lasts. A
proxy bounds the headers where there is one; nothing else bounds the time of a body.

`manage.py up` names it (`operations.local.programs`), and so does the intake on a server. daphne has bounds of its own
for headers: 500, and 16 KiB.
"""

import asyncio
import http
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADERS = 100  # of a request; browsers behind two proxies send thirty
MAX_HEAD = 64 * 1024  # bytes of the request line and headers
# Until the headers end, from the connection or their first byte; and until the body does: 32 MiB at 1 Mbit/s.
SECONDS = {"head": 20.0, "body": 300.0}


class HttpProtocol(HttpToolsProtocol):
    """Answers 431 to headers that are too many or too large, 408 to a request that does not end in time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.reading: Literal["head", "body", ""] = "head"  # what of a request is still to come
        self.timed = ""  # what the deadline is of
        self.deadline: asyncio.TimerHandle | None = None
        self.head_bytes = 0
        self.status = 400

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self.reading = ""
        self._set_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.reading != "body":
            self.head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            self.reading = ""
        elif self.reading != "head":
            self.head_bytes = 0
        elif self.head_bytes > MAX_HEAD:
            self._refuse(431)
        if self.timed != self.reading:  # a request in one piece, as nearly all are, needs no timer
            self._set_deadline()

    # --- What the parser calls --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.reading = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Go on with the request. What is raised here the parser turns into its own error."""
        self.reading = "body"
        if len(self.headers) > MAX_HEADERS or (self.head_bytes > MAX_HEAD and self._size() > MAX_HEAD):
            self.status = 431
            raise ValueError
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.reading = ""
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self.reading = ""
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self.status)

    # ----------------------------------------------------------------------------------------------------------------

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _set_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        self.timed = self.reading
        seconds = SECONDS.get(self.reading)
        self.deadline = None if seconds is None else self.loop.call_later(seconds, self._refuse, 408)

    def _refuse(self, status: int) -> None:
        """Answer with the status and its name, unless an answer has begun, and close the connection."""
        self.reading = ""
        if not (self.cycle and self.cycle.response_started and not self.cycle.response_complete):
            phrase = http.HTTPStatus(status).phrase
            body = f'{{"detail": "{phrase}"}}'
            head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            self.transport.write(f"{head}x-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}".encode())
        self.transport.close()
