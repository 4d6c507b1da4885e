"""Which questions InfluxDB is asked and how, and when PostgreSQL answers instead. The server here records."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from events import timeseries
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries import flux
from events.timeseries import reads as timeseries_reads
from lms.models import Student, StudentAddress
from tests.events.conftest import event
from tests.influx import params_of
from tests.servers import wait_until

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
HOUR = {"since": NOW - timedelta(hours=1), "until": NOW}
CHART = {**HOUR, "bucket": timedelta(minutes=5)}
HOSTILE = ['x") |> drop() //@e.com', "${secrets.get()}@e.com", 'a\\"b@e.com', "two\nlines@e.com"]


def csv(*results: tuple[str, list[dict[str, object]]]) -> str:
    """Annotated CSV, as InfluxDB 2 answers."""
    kinds = {"_time": "dateTime:RFC3339", "_value": "long", "userId": "string"}
    parts = []
    for name, records in results:
        for record in records:
            columns = ",".join(record)
            types = ",".join("double" if isinstance(v, float) else kinds[k] for k, v in record.items())
            values = ",".join(v.isoformat().replace("+00:00", "Z") if isinstance(v, datetime) else str(v)
                              for v in record.values())  # fmt: skip
            parts.append(
                f"#datatype,string,long,{types}\r\n#group,false,false{',false' * len(record)}\r\n"
                f"#default,{name},{',' * len(record)}\r\n,result,table,{columns}\r\n,,0,{values}\r\n\r\n"
            )
    return "".join(parts)


@pytest.fixture
def complete(series, redis, settings) -> Redis:
    """InfluxDB has every point of the last ten days, and is asked about spans as short as these."""
    settings.INFLUXDB_ASK_DAYS = 0.01
    timeseries.send_waiting()  # looks at the bucket
    timeseries_buffer.mark_complete(
        redis, since_ms=int((NOW - timedelta(days=10)).timestamp() * 1000), before=timeseries_buffer.BacklogStatus()
    )
    return redis


def test_chart(series, complete, django_assert_num_queries):
    at = HOUR["since"]
    series.answer = lambda query: (200, csv(
        ("runs", [{"_time": at, "_value": 7}, {"_time": at + timedelta(minutes=10), "_value": 2}]),
        ("errors", [{"_time": at, "_value": 3}]),
    ))  # fmt: skip
    with django_assert_num_queries(1):  # requests for help
        found = timeseries.activity(**CHART)
    counts = [(bucket["executionCount"], bucket["errorCount"]) for bucket in found]
    assert counts == [(7, 3), (0, 0), (2, 0), *[(0, 0)] * 9]
    assert datetime.fromisoformat(found[0]["time"]) == at
    [query] = series.queries
    assert query["query"] == flux.ACTIVITY
    params = params_of(query)
    assert (params["_bucket"], params["_everybody"], params["_students"]) == ("cellmonitor", True, [""])
    assert (params["_since"], params["_until"]) == tuple(
        moment.strftime("%Y-%m-%dT%H:%M:%S.000000000Z") for moment in HOUR.values()
    )
    assert params["_every"] == [{"magnitude": 300_000_000, "unit": "us"}]


def test_totals(series, complete, django_assert_num_queries):
    numbers = {
        "runs": {"a": 7, "b": 2, "c": 1}, "errors": {"a": 1, "c": 1}, "timed": {"a": 3, "b": 1},
        "milliseconds": {"a": 5000.0, "b": 1000.0},
    }  # fmt: skip
    series.answer = lambda query: (200, csv(
        *((name, [{"userId": who, "_value": number} for who, number in of_each.items()])
          for name, of_each in numbers.items())
    ))  # fmt: skip
    with django_assert_num_queries(0):
        assert timeseries.totals(**HOUR) == timeseries.Totals(runs=10, errors=2, seconds=1.5, active=3)


def test_nothing_happened(series, complete):
    assert timeseries.totals(**HOUR) == timeseries.Totals(runs=0, errors=0, seconds=None, active=0)
    assert sum(bucket["executionCount"] for bucket in timeseries.activity(**CHART)) == 0
    assert len(series.queries) == 2


def test_each_student(series, complete):
    aoi = Student.objects.create(email="Aoi@example.com")
    series.answer = lambda query: (200, csv(
        ("runs", [{"userId": "aoi@example.com", "_value": 4}]),
        ("minutes", [{"userId": "aoi@example.com", "_value": 2}]),
    ))  # fmt: skip
    assert timeseries.per_student(**HOUR, students=[aoi.pk]) == {
        aoi.pk: timeseries.StudentTotals(runs=4, errors=0, minutes=2)
    }


def test_what_came_with_a_former_address_is_the_students(series, complete):
    aoi = Student.objects.create(email="Aoi@example.com")
    StudentAddress.objects.create(student=aoi, email="Aio@example.com")
    tags = ["aio@example.com", "aoi@example.com"]
    series.answer = lambda query: (200, csv(
        ("runs", [{"userId": tag, "_value": 4} for tag in tags]),
        ("minutes", [{"userId": tag, "_value": 2} for tag in tags]),
    ))  # fmt: skip
    assert timeseries.per_student(**HOUR, students=[aoi.pk]) == {
        aoi.pk: timeseries.StudentTotals(runs=8, errors=0, minutes=4)
    }
    timeseries.totals(**HOUR, students=[aoi.pk])
    assert [params_of(query)["_students"] for query in series.queries] == [tags, tags]


@pytest.mark.parametrize("email", HOSTILE)
def test_names_travel_beside_the_question_never_in_it(series, complete, email):
    student = Student.objects.create(email=email)
    timeseries.activity(**CHART, students=[student.pk])
    timeseries.totals(**HOUR, students=[student.pk])
    timeseries.per_student(**HOUR, students=[student.pk])
    assert [query["query"] for query in series.queries] == [flux.ACTIVITY, flux.TOTALS, flux.PER_STUDENT]
    for query in series.queries:
        params = params_of(query)
        assert params["_everybody"] is False
        assert params["_students"] == [email.lower().replace("\n", " ").replace("\\", "＼")]
        literals = [s for s in query["extern"]["body"] if s["assignment"]["id"]["name"] == "_students"]
        assert literals[0]["assignment"]["init"]["elements"][0]["type"] == "StringLiteral"


# --- PostgreSQL instead -----------------------------------------------------------------------------------------------


@pytest.fixture
def run(event_pipeline, complete) -> None:
    """One run, an hour and a half ago, in PostgreSQL; this InfluxDB knows of none."""
    event_pipeline.post(event(eventTime=(NOW - timedelta(minutes=30)).isoformat()))
    timeseries.send_waiting()


def runs() -> int:
    return timeseries.totals(**HOUR).runs


def test_influxdb_is_asked(series, run):
    assert (runs(), len(series.queries)) == (0, 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, ""), (401, ""), (404, ""), (400, '{"message": "compilation failed"}'), (200, "no,csv\r\n"),
     (200, csv(("runs", [{"_value": "many"}])))],
)  # fmt: skip
def test_postgresql_answers_where_influxdb_does_not_and_it_is_said_once(series, run, caplog, status, body):
    series.answer = lambda query: (status, body)
    assert [runs() for _ in range(5)] == [1] * 5
    assert len(series.queries) == 1
    assert len([record for record in caplog.records if "PostgreSQL does" in record.message]) == 1


def test_after_a_while_it_is_asked_again(series, run, monkeypatch, caplog):
    series.answer = lambda query: (503, "")
    assert runs() == 1
    monkeypatch.setattr(timeseries_reads, "RETRY", 0.0)
    assert runs() == 1
    assert len([record for record in caplog.records if "PostgreSQL does" in record.message]) == 1
    series.answer = lambda query: (200, "")
    assert runs() == 0
    assert "InfluxDB answers questions again" in caplog.text


def test_an_influxdb_that_hangs_costs_two_seconds_once(series, run):
    series.hang = threading.Event()
    begun = time.monotonic()
    assert runs() == 1
    assert time.monotonic() - begun < 9
    series.hang.set()
    wait_until(lambda: series.queries, what="the question that nobody waits for any more")
    assert runs() == 1
    assert len(series.queries) == 1, "it was not asked again"


def test_an_influxdb_that_is_not_there(run, point_at):
    point_at("http://127.0.0.1:9")
    assert runs() == 1


def test_without_influxdb(run, series, point_at):
    point_at("")
    assert (runs(), series.queries) == (1, [])


def test_a_span_that_influxdb_does_not_hold_whole(run, series, redis):
    redis.hset(timeseries_buffer.HELD, "complete_from", int(NOW.timestamp() * 1000) - 1000)
    assert (runs(), series.queries) == (1, [])
    redis.hdel(timeseries_buffer.HELD, "complete_from")
    assert (runs(), series.queries) == (1, [])


def test_a_span_longer_than_points_are_kept(run, series, settings):
    settings.INFLUXDB_RETENTION_DAYS = 3
    for age in (timedelta(days=3), timedelta(days=3) - timeseries_client.MARGIN / 2):
        timeseries.totals(since=NOW - age, until=NOW - age + timedelta(hours=1))
    assert series.queries == []
    timeseries.totals(since=NOW - timedelta(days=2), until=NOW - timedelta(days=2) + timedelta(hours=1))
    assert len(series.queries) == 1


def test_while_points_wait_for_long(run, series, event_pipeline, monkeypatch):
    event_pipeline.post(event())
    assert runs() == 0
    monkeypatch.setattr(timeseries_reads, "MAX_LAG", timedelta(0))
    assert (runs(), len(series.queries)) == (1, 1)


def test_while_nothing_can_be_written(run, series, event_pipeline):
    series.judge = lambda lines: (503, "")
    event_pipeline.post(event())
    timeseries.send_waiting()
    assert (runs(), series.queries) == (1, [])


def test_redis_away(run, series, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert (runs(), series.queries) == (1, [])
