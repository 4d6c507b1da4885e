"""The embedded servers, the lock of the data directory, and services.json.

The servers store their data in DATA_DIR; their URLs are in DATA_DIR/services.json while they run.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Protocol

from django.core.exceptions import ImproperlyConfigured

from config import env
from operations.local.embedded_postgres import Postgres
from operations.local.embedded_valkey import Valkey, usual_memory
from operations.local.processes import Program


class Server(Protocol):
    """The interface of an embedded server."""

    @property
    def url(self) -> str: ...
    def prepare(self) -> list[str]: ...
    def advice(self) -> str: ...
    def program(self) -> Program: ...
    def ready(self) -> bool: ...
    def finish(self) -> None: ...


def missing(data_dir: Path) -> dict[str, Server]:
    """Return the servers that the environment has no URL for, by the name of the variable.

    Valkey is first, so that it starts while PostgreSQL still creates its cluster.
    """
    servers: dict[str, Server] = {}
    if not env.redis_url({}):
        servers["REDIS_URL"] = Valkey(
            data_dir=data_dir / "valkey",
            memory=env.integer("VALKEY_MEMORY_BYTES", usual_memory(), minimum=8 * 1024 * 1024),
        )
    if not env.database_url({}):
        servers["DATABASE_URL"] = Postgres(data_dir=data_dir / "postgres")
    return servers


def own(data_dir: Path) -> IO[str]:
    """Lock the data directory until the returned file is closed; the kernel releases the lock if we are killed."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.fdopen(os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise ImproperlyConfigured(
            f"Another copy{f' (process {holder})' if holder else ''} already runs on {data_dir}. "
            "Stop it first, or start this one with its own DATA_DIR and PORT."
        ) from None
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def holder_of(data_dir: Path) -> str | None:
    """Return the pid of the process that holds the lock, "" if it has not written it yet, None if there is none."""
    try:
        file = (data_dir / "up.lock").open()
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return file.read().strip()
        return None


def write_services_file(data_dir: Path, addresses: Mapping[str, str]) -> None:
    """Write services.json atomically."""
    unfinished = data_dir / "services.json.new"
    unfinished.unlink(missing_ok=True)
    _write_private(unfinished, json.dumps(dict(addresses), indent=2) + "\n")
    unfinished.rename(data_dir / "services.json")


def delete_services_file(data_dir: Path) -> None:
    """Delete services.json."""
    (data_dir / "services.json").unlink(missing_ok=True)


def demo_password(data_dir: Path) -> str:
    """Return the demo instructor's password, which is created once per data directory."""
    file = data_dir / "demo_password"
    if not file.exists():
        _write_private(file, secrets.token_urlsafe(9))
    return file.read_text().strip()


def _write_private(file: Path, content: str) -> None:
    """Write a file that other users can never read: its mode is set at creation."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(content)
