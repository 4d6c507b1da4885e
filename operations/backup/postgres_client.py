"""Run PostgreSQL's client programs pg_dump, pg_restore and psql, whose version must be at least the server's.

They come with the wheel of the embedded server. PG_PROGRAMS names another directory, for a newer server.
"""

import os
import resource
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from psycopg.conninfo import make_conninfo

from config import env
from core.postgres import fetch_all
from operations.local.embedded_postgres import PROGRAMS

# Options of the connection that libpq does not know; all others belong to the address.
DJANGO = {"server_side_binding", "pool"}


class ProgramFailed(Exception):
    """A program failed; the message is its standard error."""


def directory() -> Path:
    return env.path("PG_PROGRAMS", PROGRAMS)


def major() -> int:
    """Return the major version of the programs."""
    words = _run(["pg_dump", "--version"], {}).split()
    return int(words[2].partition(".")[0])


def server_major() -> int:
    [[number]] = fetch_all("SHOW server_version_num")
    return int(number) // 10_000


def refuse_older_programs() -> None:
    """Raise ImproperlyConfigured if the programs are older than the server, which pg_dump does not support."""
    if major() < server_major():
        raise ImproperlyConfigured(
            f"The server is PostgreSQL {server_major()} and the programs in {directory()} are {major()}. Install its "
            "client programs and set PG_PROGRAMS to their directory."
        )


def run(program: str, *arguments: str) -> str:
    """Run a program on our database. The password is in the environment, where `ps` does not show it."""
    database = connection.settings_dict
    parts = {"dbname": "NAME", "user": "USER", "host": "HOST", "port": "PORT"}
    options = {key: value for key, value in database["OPTIONS"].items() if key not in DJANGO}
    address = make_conninfo(**{key: database[name] for key, name in parts.items() if database[name]}, **options)
    secret = {"PGPASSWORD": str(database["PASSWORD"])} if database["PASSWORD"] else {}
    return _run([program, f"--dbname={address}", *arguments], secret)


def run_locally(program: str, *arguments: str, max_bytes: int | None = None) -> str:
    """Run a program without a database. It cannot write files larger than `max_bytes`."""
    return _run([program, *arguments], {}, max_bytes=max_bytes)


def _run(command: Sequence[str], environment: dict[str, str], *, max_bytes: int | None = None) -> str:
    program = directory() / command[0]
    if not program.exists():
        raise ImproperlyConfigured(f"{program} is missing: set PG_PROGRAMS to the directory of PostgreSQL's programs.")
    done = subprocess.run(  # noqa: S603 - the programs are PostgreSQL's
        [str(program), *command[1:]],
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=partial(_limit_file_size, max_bytes) if max_bytes is not None else None,
    )
    if "SSL support is not compiled in" in done.stderr:  # the wheel's are built without it
        raise ImproperlyConfigured(
            f"The address of PostgreSQL asks for TLS, and the programs in {directory()} are built without it. Install "
            "PostgreSQL's client programs (postgresql-client in Debian) and set PG_PROGRAMS to their directory."
        )
    if done.returncode != 0:
        raise ProgramFailed(done.stderr.strip() or f"{command[0]} failed")
    return done.stdout


def _limit_file_size(max_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
