"""PostgreSQL as docker-compose.yml starts it: its image's initdb with these arguments, these settings, this health
check, a password over TCP. The same version from the wheel; what only the image's own script does is not run."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from operations.local.embedded_postgres import PROGRAMS, SYSTEM_USER
from operations.local.embedded_valkey import free_port
from tests.deploy import compose
from tests.servers import wait_until

FILLED = dict.fromkeys(compose.example(), "filled")
SERVICE = compose.load(FILLED)["services"]["postgres"]


@pytest.fixture(scope="module")
def server(postgres_server) -> Iterator[int]:
    """Its port. The run's own server has made the user that PostgreSQL asks for instead of root."""
    user = SYSTEM_USER if os.geteuid() == 0 else None
    port = free_port()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        home = Path(name)
        (home / "password").write_text(SERVICE["environment"]["POSTGRES_PASSWORD"])
        if user:
            subprocess.run(["chown", "-R", f"{user}:{user}", name], check=True)
        data = ["--pgdata", f"{name}/data", f"--username={SERVICE['environment']['POSTGRES_USER']}"]
        arguments = shlex.split(SERVICE["environment"]["POSTGRES_INITDB_ARGS"])
        # What the image's script adds by itself.
        subprocess.run(
            [PROGRAMS / "initdb", *data, f"--pwfile={name}/password", "--no-sync", *arguments],
            check=True, capture_output=True, user=user, cwd=name,
        )  # fmt: skip
        rules = home / "data" / "pg_hba.conf"
        rules.write_text(rules.read_text() + "host all all all scram-sha-256\n")
        _, *settings = shlex.split(SERVICE["command"])
        process = subprocess.Popen(
            [PROGRAMS / "postgres", "-D", f"{name}/data", *settings, "-k", name, "-p", str(port)],
            user=user, cwd=name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield port
        finally:
            process.terminate()
            process.wait(30)


def test_it_starts_with_these_settings_and_its_health_check_says_when(server):
    words = [*SERVICE["healthcheck"]["test"][1:], "-p", str(server)]
    check = [PROGRAMS / words[0], *words[1:]]
    wait_until(lambda: subprocess.run(check, check=False).returncode == 0, what="PostgreSQL")
    address = f"host=127.0.0.1 port={server} user=cellmonitor dbname=postgres"
    with psycopg.connect(f"{address} password=filled") as connection:
        [shown] = connection.execute(
            "SELECT current_setting('max_connections'), current_setting('shared_buffers'), current_setting('jit'), "
            "current_setting('timezone'), current_setting('password_encryption')"
        ).fetchall()
        [locale] = connection.execute(
            "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) "
            "FROM pg_database WHERE datname = current_database()"
        ).fetchall()
    assert shown == ("200", "512MB", "off", "UTC", "scram-sha-256")
    assert locale == ("b", "C.UTF-8", "UTF8")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"{address} password=wrong")
