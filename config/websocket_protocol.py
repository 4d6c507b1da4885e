"""uvicorn's WebSocket protocol, which compresses a frame once for all sockets that it goes to.

Ten dashboards receive the same rows. With a compressor for each socket (uvicorn's own way) a frame is compressed ten
times, and two hundred compressors stay in memory. RFC 7692 lets a server say that each of its messages is compressed by
itself ("server_no_context_takeover"): then the same text has the same compressed bytes for every socket.

`manage.py up` names it (`operations.local.programs`). daphne does not compress.
"""

import zlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CTRL_OPCODES, Frame
from websockets.typing import ExtensionParameter

WINDOW_BITS = 15  # the largest; a message's compressor lives as long as the message
LEVEL = 3  # rows of a class become a tenth, for 40 % of the processor that level 6 takes to save one part in nine more
MIN_BYTES = 512  # shorter messages are sent as they are, which RFC 7692 allows
REMEMBERED = 4  # messages; those to many sockets are sent one after another
END = b"\x00\x00\xff\xff"  # of a flush, left out (RFC 7692, section 7.2.1)

# The last messages and what they became: uncompressed bytes, window bits, compressed bytes. All sockets of a process
# are served by one thread.
_recent: deque[tuple[bytes, int, bytes]] = deque(maxlen=REMEMBERED)


def compressed(data: bytes, *, window_bits: int) -> bytes:
    """Return the payload of a compressed message, from memory if it was sent to another socket just now."""
    for known, bits, payload in _recent:
        if bits == window_bits and known == data:
            return payload
    compressor = zlib.compressobj(LEVEL, wbits=-window_bits)
    payload = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(END)
    _recent.appendleft((data, window_bits, payload))
    return payload


class SharedDeflate(PerMessageDeflate):
    """Compress each outgoing message by itself. Incoming ones are read as ever."""

    def encode(self, frame: Frame) -> Frame:
        """Return the frame as it is sent. uvicorn sends messages unfragmented."""
        if frame.opcode in CTRL_OPCODES or not frame.fin or len(frame.data) < MIN_BYTES:
            return frame
        payload = compressed(bytes(frame.data), window_bits=self.local_max_window_bits)
        return Frame(frame.opcode, payload, rsv1=True)


class SharedDeflateFactory(ServerPerMessageDeflateFactory):
    def __init__(self) -> None:
        super().__init__(
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=WINDOW_BITS,
            client_max_window_bits=12,
        )

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Return what is answered, and the extension as it was agreed. Raises NegotiationError."""
        answered, agreed = super().process_request_params(params, accepted_extensions)
        shared = SharedDeflate(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
        )
        return answered, shared


class WebSocketProtocol(WebSocketsSansIOProtocol):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.conn.available_extensions:
            self.conn.available_extensions = [SharedDeflateFactory()]
