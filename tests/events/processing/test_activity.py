"""The buckets of the activity chart: of all students or of some, by the index on time however much is stored."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events import timeseries
from events.models import CellExecution, HelpRequest
from lms.models import Cell, Notebook, Session, Student

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
STORED = 10_000  # the plan is the same for 200,000, which take too long to store
HOUR = {"since": NOW - timedelta(hours=1), "until": NOW, "bucket": timedelta(minutes=5)}

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs():
    """Days of two students' runs, one every 43 seconds, every fourth an error."""
    aoi, ren = (Student.objects.create(email=f"{name}@example.com") for name in ("aoi", "ren"))
    notebook = Notebook.objects.create(path="a.ipynb", name="a.ipynb")
    cell = Cell.objects.create(notebook=notebook, cell_id="c")
    session = Session.objects.create(student=aoi, session_id="s")

    def store(number: int) -> tuple[Student, Student]:
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO cell_executions (student_id, notebook_id, cell_id, session_id, executed_at, status,
                                                consecutive_error_count, is_significant_error)
                   SELECT CASE WHEN n %% 2 = 0 THEN %s ELSE %s END, %s, %s, %s, %s - n * interval '43.2 s',
                          CASE WHEN n %% 4 = 0 THEN 'error' ELSE 'success' END, 0, false
                   FROM generate_series(1, %s) n""",
                [aoi.pk, ren.pk, notebook.pk, cell.pk, session.pk, NOW, number],
            )
            cursor.execute("ANALYZE cell_executions, run_counts")
        return aoi, ren

    return store


def totals(*, moved: timedelta = timedelta(), **options) -> tuple[int, int, int]:
    hour = {**HOUR, "since": HOUR["since"] - moved, "until": HOUR["until"] - moved}
    found = timeseries.activity(**hour, **options)
    assert len(found) == 12
    return tuple(sum(bucket[name] for bucket in found) for name in ("executionCount", "errorCount", "helpCount"))


def test_of_some_students(runs):
    aoi, ren = runs(1000)
    HelpRequest.objects.create(student=ren, asked_at=NOW - timedelta(minutes=1), last_asked_at=NOW, last_heard_at=NOW)
    assert totals() == (83, 20, 1)
    assert totals(students=[aoi.pk, ren.pk]) == totals()
    assert totals(students=[aoi.pk]) == (41, 20, 0)
    assert totals(students=[ren.pk]) == (42, 0, 1)
    assert totals(students=[]) == (0, 0, 0)


@pytest.mark.parametrize("some", [False, True], ids=["all", "some"])
@pytest.mark.parametrize(
    ("moved", "index"),
    [(timedelta(), "run_counts_"), (timedelta(seconds=1), "executions_time")],
    ids=["of whole slots", "of any second"],
)
def test_for_an_hour_the_rest_is_not_read(runs, some, moved, index):
    aoi, _ = runs(STORED)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        totals(moved=moved, **({"students": [aoi.pk, *range(10_000, 10_200)]} if some else {}))
    [query] = asked.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT TEXT) {query['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert index in plan, plan
    assert "Seq Scan on cell_executions" not in plan, plan
    assert "Seq Scan on run_counts" not in plan, plan
    assert ("cell_executions" in plan) == (index == "executions_time"), plan
    assert CellExecution.objects.count() == STORED
