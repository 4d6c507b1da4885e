"""A system whose every store a test may stop, fill and start again, because they are its own. Durable, as they come."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import redis as redis_client

from core.redis import client_of
from operations.local.embedded_postgres import Postgres
from operations.local.embedded_valkey import Valkey, free_port
from tests import migrated as migrated_database
from tests.faults.classroom import Classroom
from tests.faults.truth import judge, unrest
from tests.live import LiveSystem
from tests.servers import RedisServer, Running, scratch_directory, wait_until

IS_LONG = os.environ.get("FAULTS") == "long"  # `make faults`
CONNECTIONS = 40


@dataclass(kw_only=True)
class World:
    """Every test leaves it running and whole, so that one is enough for all."""

    system: LiveSystem
    postgres: Postgres
    database: Running
    rooms: list[Classroom] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.system.url

    def room(self, *, rate: float = 80.0) -> Classroom:
        """A class of its own, which the next `check` counts with all before it."""
        made = Classroom(url=self.url, seed=len(self.rooms) + 1, students=20, rate=rate)
        self.rooms.append(made)
        return made

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.postgres.url, autocommit=True)

    def redis(self) -> redis_client.Redis:
        return client_of(self.system.redis_url)

    def start_postgres(self) -> None:
        """After a kill its backends may need a moment to let go of the data, and the start is refused until then."""

        def is_up() -> bool:
            if self.database.process is None or self.database.process.poll() is not None:
                self.database.start()
            return self.postgres.ready()

        try:
            wait_until(is_up, seconds=60, what="an answer from PostgreSQL")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.database.tail()}") from None

    def check(self) -> None:
        """Nothing is lost, doubled or wrong, and nothing is left lying about. Waits for the end of the backlog."""
        found: list[str] = []

        def rests() -> bool:
            with self.redis() as link:
                found[:] = unrest(link, now=time.time())
            return not found

        try:
            wait_until(rests, seconds=90, what="rest")
        except AssertionError as error:
            raise AssertionError(f"{error}: {found}\n{self.system.logs()}") from None
        with self.connect() as database:
            verdict = judge(database, self.rooms)
        assert not verdict.lost, f"{len(verdict.lost)} lost"
        assert not verdict.duplicates
        assert not verdict.wrong, verdict.wrong


@pytest.fixture(scope="session")
def world(migrated: str) -> Iterator[World]:
    # Not below pytest's directories: every run of pytest closes them to PostgreSQL's user.
    with scratch_directory() as directory:
        postgres = Postgres(data_dir=directory / "pg", settings={"max_connections": str(CONNECTIONS)})
        postgres.prepare()
        database = Running(program=postgres.program(), log=directory / "postgres.log")
        database.start()
        wait_until(postgres.ready, seconds=60, what="an answer from PostgreSQL")
        postgres.finish()
        redis = RedisServer(valkey=Valkey(data_dir=directory / "valkey"))
        environment = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "DATA_DIR": str(directory), "WORKERS": "2",
                       "RATE_LIMITS": "0", "LOG_REQUESTS": "0"}  # fmt: skip
        migrated_database.fill_again(postgres.url)
        system = LiveSystem(directory=directory, environment=environment, redis=redis, port=free_port())
        system.start(workers=2)
        made = World(system=system, postgres=postgres, database=database)
        yield made
        system.stop()
        database.stop()
