"""A program that speaks TLS before a server that does not: `python -m tests.core.tls_proxy CERTIFICATE KEY PORT`.

Prints its own port. A process of its own, so that connections that are cut in the middle of a handshake end with it.
"""

import asyncio
import ssl
import sys
from contextlib import suppress

from tests.faults.tcp_proxy import carry


async def main(certificate: str, key: str, behind: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", behind)
        with suppress(OSError):
            await asyncio.gather(carry(reader, outer), carry(inner, writer))

    server = await asyncio.start_server(forward, "localhost", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
