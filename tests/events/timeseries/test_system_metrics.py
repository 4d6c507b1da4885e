"""Numbers of the product itself in InfluxDB, once a minute (events.md section 6)."""

import time

import pytest
from django_rq.cron import DjangoCronScheduler

from events import metrics as events_metrics
from events import timeseries
from events.queue import heartbeats
from events.timeseries import buckets, flux, system_metrics
from events.timeseries.line_protocol import numbers
from events.worker import tasks
from tests.events.conftest import event, failing
from tests.influx import parse

pytestmark = pytest.mark.django_db
NOW = time.time()
MINUTE = int(NOW // 60)


def recorded(series) -> dict[str, object]:
    timeseries.send_waiting()
    return {point.measurement: point for point in map(parse, series.lines) if point.measurement != "student_progress"}


def test_a_point_of_each_measurement_a_minute(event_pipeline, series, redis):
    events_metrics.tally.take()  # what the tests before it counted
    event_pipeline.post(event(), failing())
    events_metrics.flush(now=NOW - 60)
    heartbeats.beat(heartbeats.pulse, publish=False)
    system_metrics.record(redis, failed_jobs=0, now=NOW)
    found = recorded(series)
    system, done = found["system_metrics"], found["performance_metrics"]
    assert (system.tags, system.time) == ({"host": heartbeats.HOST}, MINUTE * 60 * 10**9)
    assert system.fields["workers_idle"] == 1
    assert system.fields["points_waiting"] == 2
    assert {type(system.fields[name]) for name in ("cpu_usage_percent", "oldest_waiting_seconds")} == {float}
    assert {"waiting_high", "waiting_low", "sockets_dashboard", "failed_jobs", "memory_usage_mb"} <= set(system.fields)
    assert (done.tags, done.time) == ({}, (MINUTE - 1) * 60 * 10**9)
    assert done.fields["events_processed"] == 2
    assert done.fields["batch_avg_ms"] > 0
    assert "page_avg_ms" not in done.fields, "no page was asked for"


def test_twice_in_a_minute_is_one_point(series, redis):
    """Two schedulers: the second writes over the first."""
    for second in (1, 2):
        system_metrics.record(redis, failed_jobs=0, now=MINUTE * 60 + second)
    timeseries.send_waiting()
    seen = [(point.measurement, point.time, tuple(point.tags.items())) for point in map(parse, series.lines)]
    assert len(seen) == 4
    assert len(set(seen)) == 2


def test_without_influxdb_nothing_is_recorded(redis):
    tasks.record_system_metrics()
    assert not redis.keys("points:*")


def test_a_type_stays_and_a_name_of_a_host_is_escaped():
    line = numbers("m", {"whole": 1, "part": 2.0}, tags={"host": "my host,1"}, at=1)
    assert line == "m,host=my\\ host\\,1 whole=1i,part=2.0 1000000000"


def test_it_is_in_the_schedule():
    scheduler = DjangoCronScheduler()
    scheduler.load_config_from_file("events.worker.periodic")
    assert [job.interval for job in scheduler.get_jobs() if job.func is tasks.record_system_metrics] == [60]


def test_questions_about_lessons_do_not_see_them():
    """They are of another measurement, which every question names."""
    texts = [value for value in vars(flux).values() if isinstance(value, str) and "from(bucket" in value]
    assert texts
    assert all("_measurement" in text for text in [*texts, buckets.hourly("b")])
