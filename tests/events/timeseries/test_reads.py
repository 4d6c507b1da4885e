"""One set of questions against each who answers them: PostgreSQL always, InfluxDB where INFLUXDB_URL names one.

    INFLUXDB_URL=http://127.0.0.1:8086 INFLUXDB_TOKEN=… INFLUXDB_ORG=… \\
        .venv/bin/python -m pytest tests/events/timeseries/test_reads.py
"""

from datetime import UTC, datetime, timedelta

import pytest

from events import timeseries
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import reads as timeseries_reads
from lms.models import Student
from tests.events.conftest import event, failing
from tests.influx import bucket_of_its_own
from tests.servers import INFLUXDB

pytestmark = pytest.mark.django_db

# Hostile as Flux, as SQL and as line protocol; each is the address of somebody who works.
HOSTILE = ('x") |> drop() //@e.com', "o'neill,a=b c@e.com", "${bucket}@e.com", "back\\slash@e.com", "花子@例え.jp")
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
BUCKET = timedelta(minutes=5)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


@pytest.fixture(params=["postgresql", *(["influxdb"] if INFLUXDB["URL"] else [])])
def lesson(request, event_pipeline, settings):
    """Who answers, with a lesson behind them: Hanako's five runs, one run of each hostile name, help, noise."""
    if request.param == "postgresql":
        _teach(event_pipeline)
        yield
        return
    point_at = request.getfixturevalue("point_at")
    with bucket_of_its_own(INFLUXDB["URL"], INFLUXDB["TOKEN"], INFLUXDB["ORG"]) as bucket:
        point_at(INFLUXDB["URL"], INFLUXDB["TOKEN"])
        settings.INFLUXDB_ORG, settings.INFLUXDB_BUCKET = INFLUXDB["ORG"], bucket
        settings.INFLUXDB_ASK_DAYS = 1e-9  # whatever the span
        _teach(event_pipeline)
        assert timeseries.send_waiting() > 0
        with timeseries_buffer.connect() as redis:
            assert timeseries_buffer.mark_complete(redis, since_ms=0, before=timeseries_buffer.BacklogStatus())
        yield
        assert timeseries_reads.availability.failed_at is None, "InfluxDB did not answer; PostgreSQL did"


def _teach(event_pipeline) -> None:
    event_pipeline.post(
        event(eventTime=at(0), executionDurationMs=1000),
        event(eventTime=at(0), executionDurationMs=3000, cellId="cell-2"),  # in the same millisecond
        failing(eventTime=at(4.99), executionDurationMs=None),
        event("cell_execution_error", eventTime=at(5), executionDurationMs=None),
        event(eventTime=at(12), emailAddress="Hanako@EXAMPLE.com", executionDurationMs=2000, teamName="チームB"),
        # None of these is a run that ran.
        event(eventTime=at(1), executionCount=None, result=None),
        event("cell_execution_start", eventTime=at(1)),
        event(eventTime=at(1), cellId=None),
        event("notebook_opened", eventTime=at(1)),
        # Before and after.
        event(eventTime=at(-0.01)),
        event(eventTime=at(30)),
    )
    for second in (0, 10, 20, 30):  # one request, and its re-sends
        event_pipeline.post(event("help", eventTime=at(13 + second / 60)))
    event_pipeline.post(event("help_stop", eventTime=at(14)))
    event_pipeline.post(event("help", eventTime=at(29)))
    event_pipeline.post(*(event(emailAddress=name, eventTime=at(20), executionDurationMs=None) for name in HOSTILE))


def ids(*emails: str) -> list[int]:
    return [Student.objects.get(email__iexact=email).pk for email in emails]


def chart(**options) -> list[tuple[int, int, int]]:
    found = timeseries.activity(since=START, until=START + timedelta(minutes=30), bucket=BUCKET, **options)
    times = [datetime.fromisoformat(bucket["time"]) for bucket in found]
    assert times == [START + number * BUCKET for number in range(6)]
    return [(bucket["executionCount"], bucket["errorCount"], bucket["helpCount"]) for bucket in found]


SPAN = {"since": START, "until": START + timedelta(minutes=30)}


def test_chart_of_all(lesson):
    assert chart() == [(3, 1, 0), (1, 1, 0), (1, 0, 1), (0, 0, 0), (5, 0, 0), (0, 0, 1)]


def test_chart_of_some(lesson):
    assert chart(students=ids("hanako@example.com")) == [(3, 1, 0), (1, 1, 0), (1, 0, 1), *[(0, 0, 0)] * 2, (0, 0, 1)]
    assert chart(students=[]) == [(0, 0, 0)] * 6


@pytest.mark.parametrize("name", HOSTILE)
def test_chart_of_somebody_with_a_hostile_name(lesson, name):
    assert chart(students=ids(name)) == [*[(0, 0, 0)] * 4, (1, 0, 0), (0, 0, 0)]


def test_chart_whose_buckets_begin_at_an_odd_time(lesson):
    since = START + timedelta(minutes=1, seconds=30)
    found = timeseries.activity(since=since, until=since + timedelta(minutes=12), bucket=timedelta(minutes=4))
    assert [bucket["executionCount"] for bucket in found] == [2, 0, 1]


def test_chart_of_a_time_in_which_nothing_was(lesson):
    since = START - timedelta(days=1)
    found = timeseries.activity(since=since, until=since + timedelta(hours=1), bucket=BUCKET)
    assert (len(found), sum(bucket["executionCount"] for bucket in found)) == (12, 0)


def test_totals(lesson):
    assert timeseries.totals(**SPAN) == timeseries.Totals(runs=10, errors=2, seconds=2.0, active=6)
    assert timeseries.totals(**SPAN, students=ids("hanako@example.com")) == timeseries.Totals(
        runs=5, errors=2, seconds=2.0, active=1
    )
    assert timeseries.totals(**SPAN, students=ids(*HOSTILE)) == timeseries.Totals(
        runs=5, errors=0, seconds=None, active=5
    )
    assert timeseries.totals(**SPAN, students=[]) == timeseries.Totals(runs=0, errors=0, seconds=None, active=0)


def test_each_student(lesson):
    hanako, *others = ids("hanako@example.com", *HOSTILE)
    found = timeseries.per_student(**SPAN, students=[hanako, *others, 10**9])
    assert found == {
        hanako: timeseries.StudentTotals(runs=5, errors=2, minutes=4),
        **{pk: timeseries.StudentTotals(runs=1, errors=0, minutes=1) for pk in others},
    }
    assert timeseries.per_student(**SPAN, students=[]) == {}


def test_the_same_events_again_change_nothing(lesson, event_pipeline):
    repeated = event(eventId="again", eventTime=at(2))
    event_pipeline.post(repeated)
    event_pipeline.post(repeated)
    timeseries.send_waiting()
    assert timeseries.totals(**SPAN).runs == 11
