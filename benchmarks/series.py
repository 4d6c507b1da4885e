"""Measure queries about a span of time (`events.timeseries`) on PostgreSQL and, if there is one, InfluxDB.

    python -m benchmarks.series                         # PostgreSQL alone
    INFLUXDB_URL=http://127.0.0.1:8086 INFLUXDB_TOKEN=… INFLUXDB_ORG=… python -m benchmarks.series    # both

Two amounts: 42,000 runs of 200 students within a week, and two million within ninety days. InfluxDB gets two buckets of
its own, which are removed afterwards, and is asked about the first amount; about both with `--all`, as writing two
million points takes long. Its questions are those that pages put, in parts (single points and hourly sums), and beside
them each by single points alone.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

from benchmarks.own_database import own_database
from benchmarks.report import machine, save, table
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
# Read before the database of its own is started, which sets Django up without an InfluxDB.
INFLUXDB = {name: os.environ.pop(f"INFLUXDB_{name}", "") for name in ("URL", "TOKEN", "ORG")}


def series(*, everything: bool) -> list[Row]:
    rows: list[Row] = []
    with own_database():
        for count, days in AMOUNTS:
            fill(count, days)
            note = f"{STUDENTS} students, {count:,} runs in {days} days"
            rows += measured("PostgreSQL", rows_asked(days), note)
            if INFLUXDB["URL"] and (everything or (count, days) == AMOUNTS[0]):
                with own_buckets():
                    write(days)
                    rows += measured("InfluxDB", series_asked(days), note)
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
    from events.timeseries import sql as timeseries_sql
    from lms.access import EVERYTHING
    from lms.models import Student

    students = list(Student.objects.values_list("pk", flat=True))
    questions: list[Question] = []
    for name, since, until, bucket in charts(days):
        ask = partial(
            timeseries_sql.activity, since=since, until=until, bucket=bucket, students=students, scope=EVERYTHING
        )
        questions.append((f"chart, {name}", ask))
    for name, since, until in totals(days):
        questions.append(
            (
                f"totals, {name}",
                partial(timeseries_sql.totals, since=since, until=until, students=students, scope=EVERYTHING),
            )
        )
    return questions


@contextmanager
def own_buckets() -> Iterator[None]:
    from django.conf import settings

    from tests.influx import bucket_of_its_own

    with (
        bucket_of_its_own(INFLUXDB["URL"], INFLUXDB["TOKEN"], INFLUXDB["ORG"]) as name,
        bucket_of_its_own(INFLUXDB["URL"], INFLUXDB["TOKEN"], INFLUXDB["ORG"], name=f"{name}_hourly"),
    ):
        for setting, value in {**INFLUXDB, "BUCKET": name}.items():
            setattr(settings, f"INFLUXDB_{setting}", value)
        yield


def write(days: int) -> None:
    """All runs as points, and the sums of all hours."""
    from events.timeseries import backfill, flux
    from events.timeseries import client as timeseries_client
    from events.timeseries.line_protocol import line

    now = datetime.now(UTC)
    since = now - timedelta(days=days + 1)
    lines: list[str] = []
    for event in backfill.rows(since=since, until=now):
        lines.append(line(event))
        if len(lines) == 5_000:
            timeseries_client.send(lines)
            lines.clear()
    timeseries_client.send(lines)
    for hour in range((days + 1) * 24 + 1):
        flux.sum_hour(since - (since - flux.EPOCH) % HOUR + hour * HOUR)


def series_asked(days: int) -> list[Question]:
    """As pages ask, all hours but this one summed; and by single points alone."""
    from events.timeseries import flux
    from events.timeseries import sql as timeseries_sql
    from events.timeseries.buffer import BacklogStatus
    from events.timeseries.reads import _split
    from lms.models import Student

    emails = list(timeseries_sql.addresses(list(Student.objects.values_list("pk", flat=True))))
    summed, now = BacklogStatus(sums_from=0), datetime.now(UTC)
    questions: list[Question] = []
    for name, since, until, bucket in charts(days):
        ways = [(", single points", [flux.QueryPart(since, until)])]
        if not (since - flux.EPOCH) % HOUR and not bucket % HOUR:
            ways.append((", in parts", _split(since, until, summed, now)))
        for way, parts in ways:
            ask = partial(flux.activity, parts, since=since, bucket=bucket, emails=emails)
            questions.append((f"chart, {name}{way}", ask))
    for name, since, until in totals(days):
        for way, parts in (
            (", single points", [flux.QueryPart(since, until)]),
            (", in parts", _split(since, until, summed, now)),
        ):
            questions.append((f"totals, {name}{way}", partial(flux.totals, parts, emails=emails)))
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.series", description=__doc__)
    parser.add_argument("--all", action="store_true", help="ask InfluxDB about two million runs too")
    given = parser.parse_args()
    about, begun = machine(), datetime.now().astimezone()
    rows = series(everything=given.all)
    print(table(rows))
    options = {"what": "series", "influxdb": bool(INFLUXDB["URL"]), **vars(given)}
    print(f"\nWritten to {save(rows, moment=begun, about=about, options=options)}")


if __name__ == "__main__":
    main()
