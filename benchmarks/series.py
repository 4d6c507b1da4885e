"""The questions about a span of time (`events.points`): what PostgreSQL's rows take for them.

    python -m benchmarks.series

Two amounts: 42,000 runs of 200 students within a week, and two million of them within ninety days. It says from which
span on hourly sums in InfluxDB could be the cheaper (`events.points.answering`); InfluxDB itself is not measured here.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

from benchmarks.attention import own_database
from benchmarks.report import table
from benchmarks.rows import Row

STUDENTS, NOTEBOOKS, CELLS = 200, 10, 20
AMOUNTS = ((42_000, 7), (2_000_000, 90))  # runs, and the days over which they are spread
REPETITIONS = 9
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A span of the pages, the buckets of its chart, and whether it begins at round times.
CHARTS = (
    ("1 h", HOUR, timedelta(minutes=5), True),
    ("24 h", DAY, HOUR, True),
    ("7 d", 7 * DAY, 4 * HOUR, True),
    ("30 d, of days", 30 * DAY, DAY, True),
    ("30 d, of days, from any second", 30 * DAY, DAY, False),
    ("90 d, of days", 90 * DAY, DAY, True),
)
TOTALS = (("1 h", HOUR), ("24 h", DAY), ("7 d", 7 * DAY), ("30 d", 30 * DAY), ("90 d", 90 * DAY))
Question = tuple[str, Callable[[], object]]


def series() -> list[Row]:
    rows: list[Row] = []
    with own_database():
        for count, days in AMOUNTS:
            fill(count, days)
            note = f"{STUDENTS} students, {count:,} runs in {days} days"
            rows += measured("PostgreSQL", rows_asked(days), note)
    return rows


def measured(who: str, questions: list[Question], note: str) -> list[Row]:
    found = []
    for name, ask in questions:
        times = []
        for _ in range(REPETITIONS + 1):
            begun = time.perf_counter()
            ask()
            times.append(time.perf_counter() - begun)
        found.append(Row(name=f"{who}: {name}", value=median(times[1:]) * 1000, unit="ms", note=note))
    return found


def fill(count: int, days: int) -> None:
    """So many runs, in eight hours of each of these days, one in five an error."""
    from django.db import connection

    from lms.models import Cell, Notebook, Session, Student

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE students, notebooks, cells, sessions, run_counts, cell_executions CASCADE")
        students = Student.objects.bulk_create(Student(email=f"s{n}@example.com") for n in range(STUDENTS))
        books = Notebook.objects.bulk_create(Notebook(path=f"c/{n}.ipynb", name=f"{n}.ipynb") for n in range(NOTEBOOKS))
        cells = Cell.objects.bulk_create(Cell(notebook=book, cell_id="c") for book in books)
        sessions = Session.objects.bulk_create(Session(student=one, session_id=f"s{one.pk}") for one in students)
        cursor.execute(
            """INSERT INTO cell_executions (event_id, student_id, notebook_id, cell_id, session_id, executed_at, status,
                   duration, output, code_content, execution_count, cell_index, cell_type, consecutive_error_count,
                   is_significant_error)
               SELECT gen_random_uuid()::text, (%(students)s::bigint[])[1 + n %% %(pupils)s],
                   (%(notebooks)s::bigint[])[1 + n %% %(books)s], (%(cells)s::bigint[])[1 + n %% %(books)s],
                   (%(sessions)s::bigint[])[1 + n %% %(pupils)s],
                   %(now)s - trunc(random() * %(days)s) * interval '1 day' - random() * interval '8 hours',
                   CASE WHEN random() < 0.2 THEN 'error' ELSE 'success' END, random(), repeat('o', 100),
                   repeat('x', 300), n, n %% 20, 'code', 0, false
               FROM generate_series(1, %(count)s) n ORDER BY 6""",
            {
                "students": [one.pk for one in students], "notebooks": [one.pk for one in books],
                "cells": [one.pk for one in cells], "sessions": [one.pk for one in sessions],
                "pupils": STUDENTS, "books": NOTEBOOKS, "count": count, "days": days, "now": datetime.now(UTC),
            },
        )  # fmt: skip
        cursor.execute("VACUUM ANALYZE cell_executions, run_counts")


def rows_asked(days: int) -> list[Question]:
    """Of a class: its students are named, as for every instructor."""
    from events.points import stored
    from lms.access import EVERYTHING
    from lms.models import Student

    students = list(Student.objects.values_list("pk", flat=True))
    questions: list[Question] = []
    for name, since, until, bucket in charts(days):
        chart = partial(stored.activity, since=since, until=until, bucket=bucket, students=students, scope=EVERYTHING)
        questions.append((f"chart, {name}", chart))
    for name, since, until in totals(days):
        total = partial(stored.totals, since=since, until=until, students=students, scope=EVERYTHING)
        questions.append((f"totals, {name}", total))
    return questions


def charts(days: int) -> Iterator[tuple[str, datetime, datetime, timedelta]]:
    now = datetime.now(UTC)
    for name, length, bucket, is_round in CHARTS:
        seconds = int(bucket.total_seconds())
        end = datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC) if is_round else now
        if length <= timedelta(days=days):
            yield name, end - length, end, bucket


def totals(days: int) -> Iterator[tuple[str, datetime, datetime]]:
    now = datetime.now(UTC)
    for name, length in TOTALS:
        if length <= timedelta(days=days):
            yield name, now - length, now


def main() -> None:
    print(table(series()))


if __name__ == "__main__":
    main()
