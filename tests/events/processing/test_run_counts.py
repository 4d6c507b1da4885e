"""What charts are added up from: always what the executions are, however those came and went."""

import importlib
import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from events.models import CellExecution, RunCount
from events.timeseries import sql as timeseries_sql
from lms.access import EVERYTHING
from lms.models import Student
from tests.events.conftest import event, failing

pytestmark = pytest.mark.django_db
EPOCH = datetime.fromtimestamp(0, UTC)


def counted() -> set[tuple[int, datetime, int, int]]:
    return set(RunCount.objects.values_list("student_id", "slot", "runs", "errors"))


def in_the_rows() -> set[tuple[int, datetime, int, int]]:
    found: dict[tuple[int, datetime], list[int]] = {}
    for run in CellExecution.objects.exclude(status="aborted").exclude(cell_type="markdown"):
        slot = EPOCH + (run.executed_at - EPOCH) // timedelta(minutes=5) * timedelta(minutes=5)
        counts = found.setdefault((run.student_id, slot), [0, 0])
        counts[0] += 1
        counts[1] += run.status == "error"
    return {(*place, *counts) for place, counts in found.items()}


def test_runs_are_counted_once_in_any_order(event_pipeline, clock):
    chance = random.Random(5)
    events = [
        (failing if chance.random() < 0.3 else event)(
            eventTime=clock(chance.randrange(1500)), emailAddress=f"s{chance.randrange(3)}@example.com"
        )
        for _ in range(60)
    ]
    events.append(event(eventTime=clock(30), executionCount=None, result=None))  # "Run All" stopped before it
    events.append(event(eventTime=clock(40), cellType="markdown"))
    for size in (1, 9, 41, 11):
        event_pipeline.post(*chance.sample(events, size))
    event_pipeline.post(*events)
    assert CellExecution.objects.filter(status="aborted").count() == 1
    assert CellExecution.objects.count() == len(events)
    assert len(counted()) > 10
    assert counted() == in_the_rows()


def test_what_is_deleted_no_longer_counts_and_leaves_nothing(event_pipeline, clock):
    event_pipeline.post(*(event(eventTime=clock(second)) for second in (1, 2, 301, 302)), failing(eventTime=clock(3)))
    CellExecution.objects.filter(executed_at__in=[clock.at(2), clock.at(3)]).delete()
    assert counted() == in_the_rows()
    assert sum(runs for _, _, runs, _ in counted()) == 3
    CellExecution.objects.all().delete()
    assert counted() == set()


def test_text_cells_leave_no_counts(event_pipeline, clock):
    event_pipeline.post(event(eventTime=clock(1), cellType="markdown"), event(eventTime=clock(301)))
    assert sum(runs for _, _, runs, _ in counted()) == 1
    CellExecution.objects.filter(cell_type="markdown").delete()
    assert sum(runs for _, _, runs, _ in counted()) == 1


def test_those_counted_before_are_taken_out(event_pipeline, clock):
    texts = [event(eventTime=clock(second), cellType="markdown", cellId="text") for second in (1, 2, 601)]
    event_pipeline.post(*texts, event(eventTime=clock(3)))
    [(student, slot, _, _)] = counted()
    RunCount.objects.update(runs=3)  # as the triggers counted until migration 0010
    RunCount.objects.create(student_id=student, slot=slot + timedelta(minutes=10), runs=1, errors=0)
    RunCount.objects.update(class_id=CellExecution.objects.first().class_id)
    migration = importlib.import_module("events.migrations.0010_runs_of_text_cells")
    with connection.cursor() as cursor:
        cursor.execute(migration.CODE_ONLY)
    assert counted() == in_the_rows() == {(student, slot, 1, 0)}


def test_a_student_goes_with_their_counts(event_pipeline, clock):
    event_pipeline.post(event(eventTime=clock(1)))
    Student.objects.all().delete()
    assert not RunCount.objects.exists()


def test_a_chart_of_whole_slots_does_not_read_the_runs(event_pipeline, clock, django_assert_num_queries):
    """And says what a chart that reads them says."""
    event_pipeline.post(*(event(eventTime=clock(20 * number)) for number in range(95)), *(failing() for _ in range(5)))
    since = EPOCH + (clock.at(0) - EPOCH) // timedelta(hours=1) * timedelta(hours=1)
    span = {"since": since, "until": since + timedelta(hours=2), "bucket": timedelta(minutes=10)}
    with django_assert_num_queries(1) as asked:
        chart = timeseries_sql.activity(**span, students=None, scope=EVERYTHING)
    assert "run_counts" in asked[0]["sql"]
    assert "cell_executions" not in asked[0]["sql"]
    late = timedelta(seconds=1)  # no slot begins here
    moved = timeseries_sql.activity(
        since=since - late,
        until=since + timedelta(hours=2) - late,
        bucket=span["bucket"],
        students=None,
        scope=EVERYTHING,
    )
    assert sum(bucket["executionCount"] for bucket in chart) == 100
    assert sum(bucket["executionCount"] for bucket in moved) == 100
    assert sum(bucket["errorCount"] for bucket in chart) == 5
    everybody = list(Student.objects.values_list("pk", flat=True))
    assert timeseries_sql.activity(**span, students=everybody, scope=EVERYTHING) == chart
    assert (
        sum(bucket["executionCount"] for bucket in timeseries_sql.activity(**span, students=[], scope=EVERYTHING)) == 0
    )


def test_what_every_batch_changes_is_in_no_index(db):
    """Rows that each batch changes have no index on what changes; see docs/decisions/0015-rows-that-change.md."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
               WHERE c.relname IN ('students', 'sessions', 'cell_progress', 'run_counts')"""
        )
        indexed = set(cursor.fetchall())
    assert not indexed & {
        ("students", "last_activity_at"),
        ("students", "execution_count"),
        ("sessions", "last_event_at"),
        ("cell_progress", "last_run_at"),
        ("cell_progress", "run_count"),
        ("run_counts", "runs"),
    }
