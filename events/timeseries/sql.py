"""Time series queries on PostgreSQL's rows.

All queries use the indexes on time, so that their cost depends on the activity in the period only. A chart whose
buckets consist of whole slots is computed from `RunCount`. `students` are row ids; None means all.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from core.postgres import fetch_all
from events.counted_runs import COUNTED_SQL
from events.models import RunCount
from events.timeseries.types import Activity, StudentTotals, Totals
from lms.access import Scope
from realtime.messages import timestamp

# A set to join with, because PostgreSQL would search an array parameter linearly for each run.
OF_STUDENTS = "AND student_id IN (SELECT unnest(%(students)s::bigint[]))"
RUNS = f"""FROM cell_executions
          WHERE executed_at >= %(since)s::timestamptz AND executed_at < %(until)s::timestamptz
            AND {COUNTED_SQL}"""

FROM_COUNTS = """SELECT date_bin(%(bucket)s::interval, slot, %(since)s::timestamptz) AS start,
                    sum(runs) AS runs, sum(errors) AS errors
             FROM run_counts WHERE slot >= %(since)s::timestamptz AND slot < %(until)s::timestamptz"""
FROM_RUNS = f"""SELECT date_bin(%(bucket)s::interval, executed_at, %(since)s::timestamptz) AS start,
                      count(*) AS runs, count(*) FILTER (WHERE status = 'error') AS errors {RUNS}"""


def activity(
    *, since: datetime, until: datetime, bucket: timedelta, students: Collection[int] | None, scope: Scope
) -> list[Activity]:
    """Return the activity of each bucket from `since` to `until`, the oldest first. One query."""
    of_students = f"{'' if students is None else OF_STUDENTS} {scope.sql()}"
    slots = all(
        moment % RunCount.SLOT_SECONDS == 0 for moment in (since.timestamp(), until.timestamp(), bucket.total_seconds())
    )
    runs = f"{FROM_COUNTS} {of_students}" if slots else f"{FROM_RUNS} {of_students}"
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


def between(
    edges: Sequence[datetime], *, students: Collection[int] | None, scope: Scope
) -> tuple[list[tuple[int, int, int]], int]:
    """Return runs, errors and help requests from each edge up to the next, and how many students ran something.

    `edges` ascend, at least two; buckets may differ in length, as days do. If all are beginnings of slots, `RunCount`
    is read instead of the runs. One query.
    """
    of_students = f"{'' if students is None else OF_STUDENTS} {scope.sql()}"
    if all(edge.timestamp() % RunCount.SLOT_SECONDS == 0 for edge in edges):
        source = f"""SELECT student_id, width_bucket(slot, %(edges)s::timestamptz[]) AS place, runs, errors
                     FROM run_counts WHERE slot >= %(since)s AND slot < %(until)s {of_students}"""  # noqa: S608
    else:
        source = f"""SELECT student_id, width_bucket(executed_at, %(edges)s::timestamptz[]) AS place,
                            1 AS runs, (status = 'error')::int AS errors {RUNS} {of_students}"""
    rows = _rows(
        f"""WITH ran AS ({source}), asked AS (
                SELECT width_bucket(asked_at, %(edges)s::timestamptz[]) AS place, count(*) AS asked FROM help_requests
                WHERE asked_at >= %(since)s AND asked_at < %(until)s {of_students} GROUP BY 1
            ), summed AS (
                SELECT place, sum(runs) AS runs, sum(errors) AS errors FROM ran GROUP BY 1
            )
            SELECT place, coalesce(runs, 0)::bigint, coalesce(errors, 0)::bigint, coalesce(asked, 0),
                   (SELECT count(DISTINCT student_id) FROM ran WHERE runs > 0)
            FROM generate_series(1, %(count)s) AS place
            LEFT JOIN summed USING (place) LEFT JOIN asked USING (place) ORDER BY place""",  # noqa: S608
        edges[0], edges[-1], students, edges=list(edges), count=len(edges) - 1,
    )  # fmt: skip
    return [(runs, errors, asked) for _, runs, errors, asked, _ in rows], rows[0][4]


def requests_for_help(
    *, since: datetime, until: datetime, bucket: timedelta, students: Collection[int] | None, scope: Scope
) -> dict[int, int]:
    """Return the number of help requests that began in each bucket, by its index, without empty ones. One query."""
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
    """Return the totals from `since` to `until`. One query."""
    of_students = f"{'' if students is None else OF_STUDENTS} {scope.sql()}"
    [(runs, errors, seconds, active)] = _rows(
        f"""SELECT count(*), count(*) FILTER (WHERE status = 'error'), avg(duration), count(DISTINCT student_id)
            {RUNS} {of_students}""",
        since, until, students,
    )  # fmt: skip
    return Totals(runs=runs, errors=errors, seconds=seconds, active=active)


def per_student(
    *, since: datetime, until: datetime, students: Collection[int], scope: Scope
) -> dict[int, StudentTotals]:
    """Return each student's totals, without students who ran nothing. One query."""
    rows = _rows(
        f"""SELECT student_id, count(*), count(*) FILTER (WHERE status = 'error'),
                   count(DISTINCT date_trunc('minute', executed_at))
            {RUNS} {OF_STUDENTS} {scope.sql()} GROUP BY 1""",
        since, until, students,
    )  # fmt: skip
    return {
        student: StudentTotals(runs=runs, errors=errors, minutes=minutes) for student, runs, errors, minutes in rows
    }


def addresses(students: Collection[int]) -> dict[str, int]:
    """Return the row ids by e-mail address, former ones too: points keep the address that they came with. One query."""
    found = fetch_all(
        """WITH asked AS (SELECT unnest(%(students)s::bigint[]) AS id)
           SELECT email, id FROM students WHERE id IN (SELECT id FROM asked)
           UNION ALL
           SELECT email, student_id FROM student_addresses WHERE student_id IN (SELECT id FROM asked)""",
        {"students": list(students)},
    )
    return dict(found)


def _rows(
    sql: str, since: datetime, until: datetime, students: Collection[int] | None, **params: Any
) -> list[tuple[Any, ...]]:
    return fetch_all(sql, {"since": since, "until": until, "students": list(students or ()), **params})
