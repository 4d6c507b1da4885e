"""The server of time series stops in the middle of a lesson and comes back: afterwards no point is missing.

Three seconds here; OUTAGE_SECONDS=60 for a minute.
"""

import os
import time

import httpx
import psycopg
import pytest

from tests.posting import post_all
from tests.servers import wait_until
from tests.test_event_pipeline import lesson

SECONDS = float(os.environ.get("OUTAGE_SECONDS", "3"))
BEFORE, AFTER = 2.0, 2.0
RATE = 500  # events a second
SLICE = 0.2  # seconds
ROWS = """
    SELECT lower(s.email), 'cell_executed', round(extract(epoch FROM executed_at) * 1000)::bigint
    FROM cell_executions e JOIN students s ON s.id = e.student_id
    UNION ALL
    SELECT lower(s.email), CASE action WHEN 'open' THEN 'notebook_opened' WHEN 'save' THEN 'notebook_saved' END,
           round(extract(epoch FROM accessed_at) * 1000)::bigint
    FROM notebook_accesses a JOIN students s ON s.id = a.student_id
    UNION ALL
    SELECT lower(s.email), event_type, round(extract(epoch FROM occurred_at) * 1000)::bigint
    FROM student_events e JOIN students s ON s.id = e.student_id"""


@pytest.fixture
def system(start_live_system, victoria):
    made = start_live_system(workers=2, INFLUXDB_URL=victoria.url, INFLUXDB_TOKEN="token")
    yield made
    made.stop()


def health(system) -> dict:
    answer = httpx.get(f"{system.url}/api/v1/health").json()
    return answer.get("detail", answer)["services"]["influxdb"]


def points_in(victoria) -> int:
    return sum(map(len, victoria.export("executionCount").values()))


def test_no_point_is_missing_after_an_outage(system, victoria):
    events = lesson(int((BEFORE + SECONDS + AFTER) * RATE), seed=3)
    size, seen = int(RATE * SLICE), {}
    begun = time.monotonic()
    for number, first in enumerate(range(0, len(events), size)):
        time.sleep(max(0.0, begun + number * SLICE - time.monotonic()))
        passed = time.monotonic() - begun
        if passed > BEFORE and "before" not in seen:
            # On a busy machine the first points are late. The lesson waits for them, and goes on at its pace.
            wait_until(lambda: points_in(victoria), seconds=60, what="the first points")
            begun += time.monotonic() - begun - passed
            seen["before"] = points_in(victoria)
            victoria.stop()
        if passed > BEFORE + SECONDS and "down" not in seen:
            seen["down"] = health(system)
            victoria.start()
        batch = events[first : first + size]
        post_all(system.url, [batch[start : start + 10] for start in range(0, size, 10)], connections=4)
    with psycopg.connect(system.database_url, autocommit=True) as database:
        wait_until(lambda: len(database.execute(ROWS).fetchall()) == len(events), what="all rows")
        rows = set(database.execute(ROWS).fetchall())
    done = time.monotonic()
    wait_until(lambda: health(system).get("waiting") == 0, seconds=60, what="the end of the backlog")
    caught_up = time.monotonic() - done
    points = {
        (student, kind, moment)
        for (student, kind, *_), samples in victoria.export("executionCount").items()
        for moment in samples
    }
    print(  # noqa: T201
        f"{len(events)} events, {seen['before']} points before the outage of {SECONDS:g} s, {seen['down']['waiting']} "
        f"waiting at its end, caught up {caught_up:.1f} s after the last row, {len(rows - points)} missing"
    )
    assert 0 < seen["before"] < len(events)
    assert (seen["down"]["status"], seen["down"]["influx_status"]) == ("unhealthy", "fail")
    assert seen["down"]["waiting"] > RATE
    assert len(rows) == len(events)
    assert rows == points
    assert (health(system)["status"], health(system)["dropped"], health(system)["refused"]) == ("healthy", 0, 0)
