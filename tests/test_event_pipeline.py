"""The whole event pipeline as real processes: what was accepted is exactly one row, whoever dies on the way."""

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.posting import post_all
from tests.servers import wait_until

EVENTS = 20_000
STUDENTS = 200
ROWS = """SELECT (SELECT count(*) FROM cell_executions) + (SELECT count(*) FROM notebook_accesses)
               + (SELECT count(*) FROM student_events)"""


def lesson(count: int, *, seed: int) -> list[dict[str, Any]]:
    """Events of a class: mostly runs, some failing, the times of each student in order."""
    chance, start = random.Random(seed), datetime.now(UTC) - timedelta(hours=1)
    events = []
    for number in range(count):
        student = chance.randrange(STUDENTS)
        kind = chance.choices(
            ["cell_executed", "notebook_opened", "notebook_saved", "help", "help_stop"], [90, 4, 4, 1, 1]
        )
        failed = chance.random() < 0.3
        events.append(
            {
                "eventId": str(uuid.UUID(int=chance.getrandbits(128))),
                "eventType": kind[0],
                "eventTime": (start + timedelta(milliseconds=100 * number)).isoformat(),
                "emailAddress": f"student{student:03d}@example.com",
                "userName": f"学生 {student}",
                "teamName": f"チーム{student % 50 + 1}",
                "sessionId": f"session-{student}",
                "notebookPath": "lesson/演習01.ipynb",
                "cellId": f"cell-{chance.randrange(20)}",
                "code": "print('値')",
                "executionCount": number,
                "hasError": failed,
                "errorMessage": "NameError: name 'x' is not defined" if failed else None,
                "result": "値",
            }
        )
    return events


def batches_of(events: list[dict[str, Any]], *, seed: int) -> list[list[dict[str, Any]]]:
    """Five of a hundred twice, cut into batches of 1 to 100."""
    chance = random.Random(seed)
    sent = list(events)
    for event in chance.sample(events, len(events) // 20):
        sent.insert(chance.randrange(len(sent)), event)
    batches = []
    while sent:
        size = chance.randint(1, 100)
        batches.append(sent[:size])
        sent = sent[size:]
    return batches


def check(system, events: list[dict[str, Any]]) -> None:
    """Every accepted event is exactly one row, and what is derived from the rows agrees with them."""
    with psycopg.connect(system.database_url, autocommit=True) as database:

        def stored() -> int:
            return int(database.execute(ROWS).fetchone()[0])

        wait_until(lambda: stored() >= len(events), seconds=90, what=f"storing {len(events)} events")
        time.sleep(0.5)  # whatever is still to come twice
        assert stored() == len(events)
        ids = {
            row[0]
            for row in database.execute("""
            SELECT event_id FROM cell_executions UNION ALL SELECT event_id FROM notebook_accesses
            UNION ALL SELECT event_id FROM student_events""")
        }
        assert ids == {event["eventId"] for event in events}
        assert database.execute("SELECT count(*) FROM offline_queue_entries").fetchone()[0] == 0
        wrong = database.execute("""
            SELECT count(*) FROM students s WHERE (s.execution_count, s.error_count) <> (
                SELECT count(*), count(*) FILTER (WHERE e.status = 'error')
                FROM cell_executions e WHERE e.student_id = s.id)""").fetchone()[0]
        assert wrong == 0, "totals of students"
        runs = database.execute("""
            SELECT student_id, cell_id, status, consecutive_error_count FROM cell_executions
            ORDER BY student_id, cell_id, executed_at, id""").fetchall()
    counts: dict[tuple[int, int], int] = {}
    for student, cell, status, count in runs:
        in_a_row = min(counts.get((student, cell), 0), 10) + 1 if status == "error" else 0
        counts[student, cell] = in_a_row
        assert count == in_a_row, "errors in a row, in the order in which they happened"


@pytest.fixture
def system(start_live_system):
    made = start_live_system(workers=2)
    yield made
    made.stop()


def test_each_of_twenty_thousand_events_is_one_row(system):
    events = lesson(EVENTS, seed=1)
    post_all(system.url, batches_of(events, seed=1))
    check(system, events)


def test_nothing_is_lost_when_a_worker_and_valkey_die(system):
    events = lesson(EVENTS, seed=2)
    third = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(post_all, system.url, batches_of(events, seed=2), at_a_third=third.set)
        # In this thread: a process ends with the thread that started it.
        assert third.wait(60)
        system.redis.kill()
        time.sleep(0.5)
        system.redis.start()
        system.cron.stop()  # whoever supervises starts again what ended
        system.cron.start()
        system.kill_worker(0)
        system.start_worker()
        failures = posting.result(60)
    assert failures > 0, "the trouble came too late to matter"
    check(system, events)
