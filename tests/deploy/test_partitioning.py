"""deploy/partition.sql on a live system: events arrive before and after, come again, and each is one row."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import psycopg

from tests.events.conftest import event
from tests.live import LiveSystem
from tests.servers import ROOT, wait_until


def test_events_are_stored_once_before_and_after(start_live_system: Callable[..., LiveSystem]) -> None:
    system = start_live_system(workers=1)
    # The file's month is an example; here the present time must fall into the new partition.
    border = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=30)
    said = (ROOT / "deploy" / "partition.sql").read_text()
    said = said.replace("2027-01-01Z", border.isoformat()).replace("2027-02-01Z", f"{border + timedelta(days=1)}")
    first, second = (re.sub(r"--.*", "", part) for part in said.split("-- part 2:"))
    second = second[second.index("BEGIN") :]
    old = event(eventTime=(border - timedelta(minutes=5)).isoformat())
    post(system, old)
    wait_until(lambda: rows(system) == 1, what="the first row")
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        for statement in filter(str.strip, first.split(";")):
            connection.execute(statement)
        for worker in system.running_workers:
            worker.stop()
        for statement in filter(str.strip, second.split(";")):
            connection.execute(statement)
    system.start_worker()
    new = [event() for _ in range(3)]
    post(system, old, *new)
    post(system, *new, old, event(eventId=None))
    wait_until(lambda: rows(system) == 5, what="the other rows")
    with psycopg.connect(system.database_url) as connection:
        kept = connection.execute(
            "SELECT tableoid::regclass::text, count(*) FROM cell_executions GROUP BY 1 ORDER BY 1"
        )
        assert kept.fetchall() == [("cell_executions_2027_01", 4), ("cell_executions_old", 1)]
        plan = connection.execute(
            "EXPLAIN SELECT * FROM cell_executions WHERE executed_at >= %s", [border + timedelta(seconds=1)]
        ).fetchall()
        assert "cell_executions_old" not in str(plan)
    assert httpx.get(f"{system.url}/api/v1/dashboard/overview").json()
    assert "rows" in system.manage("backup", f"--to={system.directory}")
    system.manage("prune", "--dry-run")
    system.stop()


def post(system: LiveSystem, *records: dict) -> None:
    assert httpx.post(f"{system.url}/api/v1/events", json=list(records)).status_code == 202


def rows(system: LiveSystem) -> int:
    with psycopg.connect(system.database_url) as connection:
        [found] = connection.execute("SELECT count(*) FROM cell_executions").fetchone() or (0,)
    return found
