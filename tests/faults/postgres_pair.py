"""A PostgreSQL with a synchronous replica, as an operator runs them. The replica is made by pg_basebackup.

No pytest in here: `campus` is a program too.
"""

import secrets
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from operations.local.embedded_postgres import PROGRAMS, Postgres
from tests.servers import Running, wait_until


def random_addresses(number: int) -> list[str]:
    """Addresses of machines on loopback, which only Linux has all of."""
    network = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
    return [f"{network}.{last}" for last in range(2, 2 + number)]


class Pair:
    """A primary and a replica, each at an address of its own on loopback. `running` are theirs, in this order."""

    def __init__(self, directory: Path, addresses: Sequence[str] = ()) -> None:
        self.directory = directory
        self.addresses = list(addresses) or random_addresses(2)
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

    def address_of(self, server: Postgres) -> str:
        return server.settings["listen_addresses"]

    @property
    def url(self) -> str:
        """The replica first: whoever takes the first that answers could write nothing."""
        return f"postgresql://postgres@{self.addresses[1]},{self.addresses[0]}/cellmonitor"

    def start(self) -> None:
        self.primary.prepare()
        with (self.primary.data_dir / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 127.0.0.0/8 trust\n")
        self.running = [self._start(self.primary)]
        self.running.append(self.make_replica())
        self.primary.finish()

    def make_replica(self) -> Running:
        """Copy the primary to the replica, start that, and have every commit wait for it."""
        shutil.rmtree(self.replica.data_dir, ignore_errors=True)
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
        running = self._start(self.replica)
        with self._connect(self.primary) as link:
            link.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            link.execute("SELECT pg_reload_conf()")
            states = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            wait_until(lambda: link.execute(states).fetchone() == (1,), seconds=60, what="a synchronous replica")
        return running

    def _start(self, server: Postgres) -> Running:
        server.prepare()
        running = Running(program=server.program(), log=self.directory / f"{server.data_dir.name}.log")
        running.start()
        try:
            wait_until(lambda: self._answers(server), seconds=60, what="an answer from PostgreSQL")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{running.tail()}") from None
        return running

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
        self.kill(0)

    def kill(self, index: int) -> None:
        """The postmaster of the primary (0) or of the replica, and every process of it, as when the machine goes."""
        process = self.running[index].process
        assert process is not None
        postmaster = psutil.Process(process.pid)
        postmaster.suspend()  # else it ends its other processes itself, once one has died
        for child in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.running[index].kill()

    def promote(self) -> None:
        with self._connect(self.replica) as link:
            assert link.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
            link.execute("SELECT pg_promote(true, 30)")

    def replace_primary(self) -> None:
        """After `promote`: the replica is the primary from now on, and the former one becomes its replica anew."""
        self.primary, self.replica = self.replica, self.primary
        self.running = [self.running[1], self.make_replica()]

    def restart_replica(self) -> None:
        self.running[1] = self._start(self.replica)

    def stop(self) -> None:
        for running in self.running:
            running.kill()
