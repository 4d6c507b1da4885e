"""The machine of the primary dies in the middle of a lesson, and its synchronous replica takes over.

Two real servers, both named in DATABASE_URL; the second is made by pg_basebackup.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from operations.local.embedded_postgres import PROGRAMS, Postgres
from operations.local.embedded_valkey import Valkey, free_port
from tests.faults.conftest import IS_LONG, World
from tests.live import LiveSystem, manage
from tests.servers import RedisServer, Running, wait_until

AWAY = 10.0 if IS_LONG else 2.0  # seconds until somebody, or Patroni, promotes the replica
API = "/api/v1/classes"


class Pair:
    """A primary and a replica, each at an address of its own on loopback."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.addresses = [f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}.{last}" for last in (2, 3)]
        self.primary, self.replica = (
            self._server(name, address) for name, address in zip(("a", "b"), self.addresses, strict=True)
        )
        self.running: list[Running] = []

    def _server(self, name: str, address: str) -> Postgres:
        settings = {
            "listen_addresses": address,
            "max_connections": "60",
            "wal_level": "replica",
            "max_wal_senders": "4",
        }
        return Postgres(data_dir=self.directory / name, settings=settings)

    @property
    def url(self) -> str:
        """The replica first: whoever takes the first that answers could write nothing."""
        return f"postgresql://postgres@{self.addresses[1]},{self.addresses[0]}/cellmonitor"

    def start(self) -> None:
        self.primary.prepare()
        with (self.primary.data_dir / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 127.0.0.0/8 trust\n")
        self._start(self.primary)
        self.replica.data_dir.mkdir(mode=0o700)
        if self.replica.user:
            shutil.chown(self.replica.data_dir, self.replica.user, self.replica.user)
        copy = [str(PROGRAMS / "pg_basebackup"), "-h", str(self.primary.socket_dir), "-U", "postgres", "-c", "fast"]
        copy += ["-R", "-X", "stream", "-D", str(self.replica.data_dir)]
        subprocess.run(
            copy,
            check=True,
            capture_output=True,
            user=self.primary.user,
            group=self.primary.user,
            extra_groups=[] if self.primary.user else None,
            cwd=self.primary.data_dir,
        )
        # The primary's socket lies in its data, so that its lock was copied.
        (self.replica.data_dir / ".s.PGSQL.5432.lock").unlink()
        self._start(self.replica)
        with self._connect(self.primary) as link:
            link.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            link.execute("SELECT pg_reload_conf()")
            states = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            wait_until(lambda: link.execute(states).fetchone() == (1,), seconds=60, what="a synchronous replica")
        self.primary.finish()

    def _start(self, server: Postgres) -> None:
        server.prepare()
        running = Running(program=server.program(), log=self.directory / f"{server.data_dir.name}.log")
        running.start()
        self.running.append(running)
        try:
            wait_until(lambda: self._answers(server), seconds=60, what="an answer from PostgreSQL")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{running.tail()}") from None

    def _answers(self, server: Postgres) -> bool:
        """Not `ready`, which a replica never is."""
        try:
            self._connect(server).close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, server: Postgres) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(server.url_of("postgres"), autocommit=True)

    def kill_primary(self) -> None:
        """The postmaster and every process of it, as when the machine goes."""
        process = self.running[0].process
        assert process is not None
        postmaster = psutil.Process(process.pid)
        postmaster.suspend()  # else it ends its other processes itself, once one has died
        for child in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.running[0].kill()

    def promote(self) -> None:
        with self._connect(self.replica) as link:
            assert link.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
            link.execute("SELECT pg_promote(true, 30)")

    def stop(self) -> None:
        for running in self.running:
            running.kill()


@pytest.fixture
def pair() -> Iterator[Pair]:
    directory = Path(tempfile.mkdtemp(prefix="failover-")).resolve()
    made = Pair(directory)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux has all of 127.0.0.0/8 on loopback")
def test_a_replica_takes_over(pair):
    redis = RedisServer(valkey=Valkey(data_dir=pair.directory / "valkey"))
    environment = {"DATABASE_URL": pair.url, "REDIS_URL": redis.url, "DATA_DIR": str(pair.directory), "WORKERS": "2",
                   "RATE_LIMITS": "0", "LOG_REQUESTS": "0"}  # fmt: skip
    manage("migrate", "--verbosity=0", environment=environment)
    system = LiveSystem(directory=pair.directory, environment=environment, redis=redis, port=free_port())
    system.start(workers=2)
    try:
        # What `check` asks is the server that took over.
        world = World(system=system, postgres=pair.replica, database=pair.running[1])
        with world.room() as room:
            wait_until(lambda: len(room.accepted) > 200, seconds=60, what="two hundred events")
            assert httpx.get(f"{system.url}{API}", timeout=30).status_code == 200
            pair.kill_primary()
            died = time.monotonic()
            answer = httpx.get(f"{system.url}{API}", timeout=30)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            time.sleep(max(0.0, AWAY - (time.monotonic() - died)))
            pair.promote()
            accepted = len(room.accepted)

            def is_back() -> bool:
                return httpx.get(f"{system.url}{API}", timeout=30).status_code == 200

            wait_until(is_back, what="pages by the new primary")
            wait_until(lambda: rows(pair.replica) >= accepted, what="the events of the outage as rows")
            wait_until(lambda: len(room.accepted) > accepted + 100, seconds=60, what="a hundred events more")
        assert set(room.answers) == {"202"}, f"no POST noticed: {room.answers}"
        world.check()
    finally:
        system.stop()


def rows(server: Postgres) -> int:
    with psycopg.connect(server.url) as link:
        count = link.execute(
            "SELECT (SELECT count(*) FROM cell_executions) + (SELECT count(*) FROM notebook_accesses) "
            "+ (SELECT count(*) FROM student_events)"
        ).fetchone()
        assert count is not None
        return int(count[0])
