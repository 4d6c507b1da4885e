"""Writes against a real server: what was written is read back and is what PostgreSQL has.

VictoriaMetrics keeps numbers and booleans, by the millisecond, and knows no Flux; what texts become is in
test_line_protocol.
"""

import pytest
from django.db import connection

from events import timeseries
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from tests.events.conftest import event, failing
from tests.influx import VictoriaMetrics

pytestmark = pytest.mark.django_db

HOSTILE = ["チーム1 = A, B", 'say "hi"', "back\\slash", "ends\\", "a\\,b", "two\nlines", "tab\there", "☕️", "' OR 1=1"]
MOMENT = 1_790_000_000_000_000_000
RUNS = """SELECT lower(s.email), extract(epoch FROM e.executed_at) * 1000, e.execution_count, e.duration * 1000,
                 (e.status <> 'error')::int
          FROM cell_executions e JOIN students s ON s.id = e.student_id WHERE e.status <> 'aborted'"""


def rows() -> dict[tuple[str, int], tuple[float, float, float]]:
    """(address, time in ms) → counter, milliseconds, success."""
    with connection.cursor() as cursor:
        cursor.execute(RUNS)
        return {(row[0], int(row[1])): tuple(map(float, row[2:])) for row in cursor.fetchall()}


def values(victoria: VictoriaMetrics, name: str) -> dict[tuple[str, int], float]:
    found = {}
    for (student, kind, *_), samples in victoria.export(name).items():
        if kind == "cell_executed":
            found |= {(student, time): value for time, value in samples.items()}
    return found


def test_what_was_written_is_what_postgresql_has(event_pipeline, redis, victoria, clock):
    for start in range(0, 300, 60):
        event_pipeline.post(
            *(
                (failing if number % 3 == 0 else event)(
                    eventTime=clock(number),
                    emailAddress=f"Student{number % 7}@example.com",
                    teamName=HOSTILE[number % len(HOSTILE)],
                    executionCount=number,
                    executionDurationMs=number * 1.5,
                    code="for x in y:\n    print(x)\n",
                )
                for number in range(start, start + 60)
            )
        )
    event_pipeline.post(event("help", eventTime=clock(500)), event("notebook_opened", eventTime=clock(501)))
    assert timeseries.send_waiting() == 302
    expected = rows()
    assert len(expected) == 300
    fields = [values(victoria, name) for name in ("executionCount", "duration", "success")]
    assert {key: tuple(found[key] for found in fields) for key in fields[0]} == expected
    kinds = {kind for _, kind, *_ in victoria.export("executionCount")}
    assert kinds == {"cell_executed", "help", "notebook_opened"}
    teams = {team for _, _, _, team, _ in victoria.export("duration")}
    assert teams == {name.replace("\\", "＼").replace("\n", " ").replace("\t", " ") for name in HOSTILE}


def test_the_same_batch_again_adds_nothing(event_pipeline, redis, victoria, clock):
    batch = [event(eventId=f"e{number}", eventTime=clock(number), executionCount=number) for number in range(20)]
    for _ in range(3):
        event_pipeline.post(*batch)
    assert timeseries.send_waiting() == 60
    assert len(values(victoria, "executionCount")) == 20


def test_its_neighbours_of_a_line_that_is_none_are_written(redis, victoria):
    """It says nothing about such lines: it drops them itself."""
    lines = [
        f"student_progress,userId=u{number},event=e,notebook=n,teamName=t,sessionId=s x=1i {MOMENT}"
        for number in range(9)
    ]
    assert timeseries_client.send([*lines[:5], "no line", *lines[5:]]).refused == 0
    assert len(victoria.export("x")) == 9


def test_it_knows_no_flux_and_postgresql_answers(event_pipeline, redis, victoria, clock):
    event_pipeline.post(event(eventTime=clock(0)))
    timeseries.send_waiting()
    with timeseries_buffer.connect() as link:
        timeseries_buffer.mark_complete(link, since_ms=0, before=timeseries.BacklogStatus())
    assert timeseries.totals(since=clock.at(-1), until=clock.at(1)).runs == 1


def test_its_health(redis, victoria):
    assert timeseries.version() == "unknown"
