"""What must be true once everything has come to rest: computed from what was sent, not from what the product says."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from redis import Redis

from tests.faults.classroom import Classroom
from tests.faults.classroom_process import ClassroomProcess
from tests.influx import VictoriaMetrics

LOOK_BACK = 10  # events.md section 5
EVERY_ID = """
    SELECT event_id FROM cell_executions UNION ALL SELECT event_id FROM notebook_accesses
    UNION ALL SELECT event_id FROM student_events"""
MOMENTS = """
    SELECT lower(s.email), 'cell_executed', round(extract(epoch FROM executed_at) * 1000)::bigint
    FROM cell_executions e JOIN students s ON s.id = e.student_id
    UNION ALL
    SELECT lower(s.email), CASE action WHEN 'open' THEN 'notebook_opened' WHEN 'save' THEN 'notebook_saved' END,
           round(extract(epoch FROM accessed_at) * 1000)::bigint
    FROM notebook_accesses a JOIN students s ON s.id = a.student_id
    UNION ALL
    SELECT lower(s.email), event_type, round(extract(epoch FROM occurred_at) * 1000)::bigint
    FROM student_events e JOIN students s ON s.id = e.student_id"""


@dataclass(kw_only=True, slots=True)
class Verdict:
    rows: int = 0
    lost: set[str] = field(default_factory=set)  # answered 202, and no row
    duplicates: int = 0
    wrong: list[str] = field(default_factory=list)  # everything else that is not as it must be

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.duplicates or self.wrong)


def judge(
    database: "psycopg.Connection[Any]",
    classes: Collection[Classroom] | Collection[ClassroomProcess],
    victoria: VictoriaMetrics | None = None,
) -> Verdict:
    """Call when nothing waits any more (`unrest`)."""
    sent = {name: event for one in classes for name, event in one.sent.items()}
    accepted = {name for one in classes for name in one.accepted}
    ids = [row[0] for row in database.execute(EVERY_ID).fetchall()]
    verdict = Verdict(rows=len(ids), lost=accepted - set(ids), duplicates=len(ids) - len(set(ids)))
    if alien := set(ids) - set(sent):
        verdict.wrong.append(f"{len(alien)} rows of events that nobody sent")
    if ids_set_aside := database.execute("SELECT event_type, error FROM offline_queue_entries").fetchall():
        verdict.wrong.append(f"set aside: {ids_set_aside[:3]}")
    stored = {name: sent[name] for name in set(ids) & set(sent)}
    verdict.wrong += [*_errors_in_a_row(database, stored), *_students(database, stored), *_help(database)]
    if victoria is not None:
        verdict.wrong += _points(database, victoria)
    return verdict


def _errors_in_a_row(database: "psycopg.Connection[Any]", stored: dict[str, dict[str, Any]]) -> list[str]:
    """Each run's count of errors in a row, and where each student stands with each cell."""
    runs = sorted((e for e in stored.values() if e["eventType"] == "cell_executed"), key=lambda e: e["eventTime"])
    count: dict[tuple[str, str], int] = defaultdict(int)
    tried: dict[tuple[str, str], int] = defaultdict(int)
    expected = {}
    for run in runs:
        pair = (run["emailAddress"], run["cellId"])
        tried[pair] += 1
        count[pair] = min(count[pair], LOOK_BACK) + 1 if run["hasError"] else 0
        expected[run["eventId"]] = count[pair]
    said = dict(database.execute("SELECT event_id, consecutive_error_count FROM cell_executions").fetchall())
    off = [name for name, number in expected.items() if said.get(name) != number]
    found = [f"errors in a row of {len(off)} of {len(expected)} runs"] if off else []
    stored_counts = {
        (email, cell): (runs, in_a_row)
        for email, cell, runs, in_a_row in database.execute(
            """SELECT s.email, c.cell_id, p.run_count, p.consecutive_error_count FROM cell_progress p
               JOIN students s ON s.id = p.student_id JOIN cells c ON c.id = p.cell_id"""
        ).fetchall()
    }
    if stored_counts != {pair: (tried[pair], count[pair]) for pair in tried}:
        found.append("where students stand with cells")
    return found


def _students(database: "psycopg.Connection[Any]", stored: dict[str, dict[str, Any]]) -> list[str]:
    """Totals and the last sign of life of each student."""
    expected: dict[str, tuple[int, int, datetime]] = {}
    for event in stored.values():
        runs, errors, last = expected.get(event["emailAddress"], (0, 0, datetime.fromisoformat(event["eventTime"])))
        is_run = event["eventType"] == "cell_executed"
        failed = is_run and event["hasError"]
        last = max(last, datetime.fromisoformat(event["eventTime"]))
        expected[event["emailAddress"]] = (runs + is_run, errors + failed, last)
    said = {
        email: tuple(rest)
        for email, *rest in database.execute(
            "SELECT email, execution_count, error_count, last_activity_at FROM students"
        ).fetchall()
    }
    off = [email for email in {*expected, *said} if said.get(email) != expected.get(email)]
    if not off:
        return []
    return [f"totals of {len(off)} students, such as {off[0]}: {said.get(off[0])}, not {expected.get(off[0])}"]


def _help(database: "psycopg.Connection[Any]") -> list[str]:
    """Everybody switched help off at the end (`Classroom.end`)."""
    asking = database.execute("SELECT count(*) FROM students WHERE is_requesting_help").fetchone()
    waiting = database.execute("SELECT count(*) FROM help_requests WHERE ended_at IS NULL").fetchone()
    return [] if (asking, waiting) == ((0,), (0,)) else [f"{asking} students ask for help, {waiting} requests are open"]


def _points(database: "psycopg.Connection[Any]", victoria: VictoriaMetrics) -> list[str]:
    rows = set(database.execute(MOMENTS).fetchall())
    points = {
        (student, kind, moment)
        for (student, kind, *_), samples in victoria.export("executionCount").items()
        for moment in samples
    }
    return [] if rows == points else [f"{len(rows - points)} points are missing, {len(points - rows)} too many"]


def unrest(redis: "Redis", *, now: float, streams: "Redis | None" = None) -> list[str]:
    """What is not finished, or was left behind; empty when the pipeline is at rest. `now` in seconds, Unix time;
    `streams` where the events are, if they have a Redis of their own."""
    found = []
    events = redis if streams is None else streams
    for key in sorted(key.decode() for key in events.scan_iter(match="events:*", count=1000)):
        kind = key.rpartition(":")[2]
        if kind in ("high", "medium", "low") and events.xlen(key):
            found.append(f"{key} holds {events.xlen(key)}")
        if kind in ("wake", "lease"):
            found.append(key)
        if kind == "bytes" and int(events.get(key) or 0) != 0:
            found.append(f"{key} is {events.get(key)!r}")
    for priority in ("high", "medium", "low"):
        if waiting := redis.llen(f"rq:queue:{priority}"):
            found.append(f"{waiting} jobs in rq:queue:{priority}")
        for name, until in redis.zrange(f"rq:wip:{priority}", 0, -1, withscores=True):
            if until > now + 120:  # of a live worker, or of a dead one and forgotten when its time is over
                found.append(f"job {name!r} is under way for ever")
    if points := redis.xlen("points:waiting"):
        found.append(f"{points} entries in points:waiting")
    held = {name.decode(): value for name, value in redis.hgetall("points:held").items()}
    found += [f"points:held says {name} {held[name]!r}" for name in ("points", "bytes", "dropped", "refused")
              if int(held.get(name, 0)) != 0]  # fmt: skip
    return found
