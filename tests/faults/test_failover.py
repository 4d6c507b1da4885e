"""The machine of the primary dies in the middle of a lesson, and its synchronous replica takes over.

Two real servers, both named in DATABASE_URL; the second is made by pg_basebackup.
"""

import os
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from operations.local.embedded_postgres import Postgres
from operations.local.embedded_valkey import Valkey, free_port
from tests import migrated as migrated_database
from tests.faults.conftest import IS_LONG, World
from tests.faults.postgres_pair import Pair
from tests.live import LiveSystem
from tests.servers import RedisServer, scratch_directory, wait_until

AWAY = 10.0 if IS_LONG else 2.0  # seconds until somebody, or Patroni, promotes the replica
API = "/api/v1/classes"


@pytest.fixture
def pair() -> Iterator[Pair]:
    with scratch_directory() as directory:
        made = Pair(directory)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux has all of 127.0.0.0/8 on loopback")
def test_a_replica_takes_over(migrated, pair):
    redis = RedisServer(valkey=Valkey(data_dir=pair.directory / "valkey"))
    environment = {"DATABASE_URL": pair.url, "REDIS_URL": redis.url, "DATA_DIR": str(pair.directory), "WORKERS": "2",
                   "RATE_LIMITS": "0", "LOG_REQUESTS": "0"}  # fmt: skip
    migrated_database.fill_again(pair.primary.url)
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
