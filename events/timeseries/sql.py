"""The questions, answered from PostgreSQL's rows. Each by the indexes on time: the cost is that of what happened in the
span, however much is stored. A chart whose buckets are made of whole slots is added up from what was counted when the
runs came in (`RunCount`). `students` are row ids; None means all."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from events.models import RunCount
from events.timeseries.types import Activity, Totals, Work
from lms.access import Scope
from realtime.messages import timestamp

# A set to join with: for an array that comes as a parameter PostgreSQL would look through all of it at each run.
OF_STUDENTS = "AND student_id IN (SELECT unnest(%(students)s::bigint[]))"
RUNS = """FROM cell_executions
          WHERE executed_at >= %(since)s::timestamptz AND executed_at < %(until)s::timestamptz
            AND status <> 'aborted'"""

COUNTED = """SELECT date_bin(%(bucket)s::interval, slot, %(since)s::timestamptz) AS start,
                    sum(runs) AS runs, sum(errors) AS errors
             FROM run_counts WHERE slot >= %(since)s::timestamptz AND slot < %(until)s::timestamptz"""
COUNTING = f"""SELECT date_bin(%(bucket)s::interval, executed_at, %(since)s::timestamptz) AS start,
                      count(*) AS runs, count(*) FILTER (WHERE status = 'error') AS errors {RUNS}"""


def activity(
    *, since: datetime, until: datetime, bucket: timedelta, students: Collection[int] | None, scope: Scope
) -> list[Activity]:
    """One query."""
    of_students = f"{'' if students is None else OF_STUDENTS} {scope.sql()}"
    slots = all(
        moment % RunCount.SLOT_SECONDS == 0 for moment in (since.timestamp(), until.timestamp(), bucket.total_seconds())
    )
    runs = f"{COUNTED} {of_students}" if slots else f"{COUNTING} {of_students}"
    rows = _rows(
        f"""WITH runs AS ({runs} GROUP BY 1
            ), asked AS (
                SELECT date_bin(%(bucket)s::interval, asked_at, %(since)s::timestamptz) AS start, count(*) AS asked
                FROM help_requests
                WHERE asked_at >= %(since)s::timestamptz AND asked_at < %(until)s::timestamptz {of_students}
                GROUP BY 1
            )
            SELECT start, coalesce(runs, 0), coalesce(errors, 0), coalesce(asked, 0)
            FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 microsecond',
                                 %(bucket)s::interval) AS start
            LEFT JOIN runs USING (start) LEFT JOIN asked USING (start) ORDER BY start""",  # noqa: S608
        since, until, students, bucket=f"{bucket.total_seconds()} s",
    )  # fmt: skip
    return [
        {"time": timestamp(start), "executionCount": runs, "errorCount": errors, "helpCount": asked}
        for start, runs, errors, asked in rows
    ]


def requests_for_help(
    *, since: datetime, until: datetime, bucket: timedelta, students: Collection[int] | None, scope: Scope
) -> dict[int, int]:
    """How many began in each bucket, by its number; empty ones are left out. One query."""
    of_students = f"{'' if students is None else OF_STUDENTS} {scope.sql()}"
    rows = _rows(
        f"""SELECT floor(extract(epoch FROM asked_at - %(since)s::timestamptz) / %(seconds)s)::int, count(*)
            FROM help_requests
            WHERE asked_at >= %(since)s::timestamptz AND asked_at < %(until)s::timestamptz {of_students}
            GROUP BY 1""",  # noqa: S608
        since, until, students, seconds=bucket.total_seconds(),
    )  # fmt: skip
    return dict(rows)


def totals(*, since: datetime, until: datetime, students: Collection[int] | None, scope: Scope) -> Totals:
    """One query."""
    of_students = f"{'' if students is None else OF_STUDENTS} {scope.sql()}"
    [(runs, errors, seconds, active)] = _rows(
        f"""SELECT count(*), count(*) FILTER (WHERE status = 'error'), avg(duration), count(DISTINCT student_id)
            {RUNS} {of_students}""",
        since, until, students,
    )  # fmt: skip
    return Totals(runs=runs, errors=errors, seconds=seconds, active=active)


def per_student(*, since: datetime, until: datetime, students: Collection[int], scope: Scope) -> dict[int, Work]:
    """One query; students who ran nothing are left out."""
    rows = _rows(
        f"""SELECT student_id, count(*), count(*) FILTER (WHERE status = 'error'),
                   count(DISTINCT date_trunc('minute', executed_at))
            {RUNS} {OF_STUDENTS} {scope.sql()} GROUP BY 1""",
        since, until, students,
    )  # fmt: skip
    return {student: Work(runs=runs, errors=errors, minutes=minutes) for student, runs, errors, minutes in rows}


def addresses(students: Collection[int]) -> dict[int, str]:
    """Their e-mail addresses, by row id. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, email FROM students WHERE id IN (SELECT unnest(%s::bigint[]))", [list(students)])
        return dict(cursor.fetchall())


def _rows(
    sql: str, since: datetime, until: datetime, students: Collection[int] | None, **more: Any
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"since": since, "until": until, "students": list(students or ()), **more})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
