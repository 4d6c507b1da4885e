"""Connecting to the running server, for commands that use only HTTP."""

import asyncio
import os
import re
from argparse import ArgumentTypeError

from django.conf import settings
from django.core.management.base import CommandError

from events.simulation.connections import ConnectionPool

CONNECT_TIMEOUT = 5.0  # seconds


def default_url() -> str:
    """Return WEB_URL, else the address recorded by a running `manage.py up`, else the default address."""
    found: str = os.environ.get("WEB_URL", "").strip() or settings.SERVICES.get("WEB_URL", "")
    return found or "http://127.0.0.1:8000"


def server_url(text: str) -> str:
    """Return an address as it was given to a command. Raises ArgumentTypeError."""
    if not re.match(r"(?i)https?://[^/\s]", text):
        raise ArgumentTypeError(f"{text!r} is not an address; it must look like http://127.0.0.1:8000")
    return text


async def reach(*, url: str, key: str) -> ConnectionPool:
    """Return a connection pool after checking that the server listens. Raises CommandError with a remedy."""
    try:
        pool = ConnectionPool(url=url, key=key)
        _, writer = await asyncio.wait_for(pool.open(), CONNECT_TIMEOUT)
        writer.close()
    except ValueError as wrong:
        raise CommandError(f"--url: {wrong}.") from wrong
    except (OSError, TimeoutError) as trouble:
        raise CommandError(
            f"No server answers at {url} ({trouble or 'timeout'}). "
            "Start one with `make run`, or name another with --url."
        ) from trouble
    return pool
