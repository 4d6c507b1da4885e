"""A real server process on the tests' own database, and real clients."""

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from operations.local.programs import WEBSOCKET_PROTOCOL
from tests.forked import Forked

COMMANDS = {
    "uvicorn": f"-m uvicorn config.asgi:application --ws {WEBSOCKET_PROTOCOL} --log-level warning --port".split(),
    "daphne": ["-m", "daphne", "-v", "0", "config.asgi:application", "-p"],
    "runserver": ["manage.py", "runserver", "--noreload", "-v", "0"],
}


class Server:
    def __init__(self, process: Forked, port: int) -> None:
        self.process, self.port = process, port

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    def stop(self, timeout: float = 15) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)


def database_url() -> str:
    s = connection.settings_dict
    return f"postgresql://{s['USER']}@/{s['NAME']}?host={s['HOST']}" + (f"&port={s['PORT']}" if s["PORT"] else "")


@contextmanager
def serve(kind: str, **environment: str) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    known = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "SECRET_KEY": settings.SECRET_KEY}
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory, "log")
        process = Forked(
            [sys.executable, *COMMANDS[kind], str(port)],
            environment={**os.environ, **known, "DEBUG": "1", **environment},
            stdin=Path(os.devnull), output=log, error=log,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield Server(process, port)
        finally:
            process.kill()
            process.wait()
            sys.stderr.write(log.read_text(errors="replace"))  # which pytest shows of a test that failed
