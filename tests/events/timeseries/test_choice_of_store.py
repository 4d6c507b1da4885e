"""PostgreSQL answers what it answers cheaply; InfluxDB is asked about long spans, by sums of hours that a worker keeps
right. The server here records what it is asked, and what InfluxDB would make of that, `test_reads` compares where
there is one."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from events import timeseries
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries import flux, sender
from events.timeseries import reads as timeseries_reads
from lms.models import Student
from tests import influx
from tests.events.conftest import event
from tests.events.timeseries.test_flux import csv
from tests.influx import Kept, params_of

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
THIS_HOUR = NOW.replace(minute=0, second=0, microsecond=0)
HOUR = timedelta(hours=1)
WEEK = {"since": NOW - timedelta(days=7), "until": NOW}
CHART = {"since": THIS_HOUR - timedelta(days=8), "until": THIS_HOUR + 4 * HOUR, "bucket": 4 * HOUR}


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> None:
    """The time is NOW, also when the hour has ended since this module was imported."""
    monkeypatch.setattr(sender, "_now_ms", lambda: ms(NOW))
    monkeypatch.setattr(timeseries_reads, "_now", lambda: NOW)
    monkeypatch.setattr(influx, "_now_ns", lambda: ms(NOW) * 10**6)


@pytest.fixture
def year(series, redis) -> None:
    """InfluxDB has every point of a year and the right sums of all hours but this one."""
    series.sums = Kept(id="sums")
    timeseries.send_waiting()
    redis.hset(timeseries_buffer.HELD, "sums_from", ms(NOW - timedelta(days=365)))
    timeseries_buffer.mark_complete(redis, since_ms=ms(NOW - timedelta(days=365)), before=timeseries.backlog_status())
    timeseries_buffer.mark_unsummed(redis, [ms(NOW) // 3_600_000])


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def asked(series) -> list[tuple[str, str, datetime, datetime]]:
    """(text, bucket, from, to) of each question."""
    names = {value: name for name, value in vars(flux).items() if isinstance(value, str) and "yield" in value}
    found = []
    for query in series.queries:
        params = params_of(query)
        since, until = (datetime.fromisoformat(params[name]) for name in ("_since", "_until"))
        found.append((names[query["query"]], params["_bucket"], since, until))
    series.queries.clear()
    return found


# --- Which of the two -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [HOUR, timedelta(days=1), timedelta(days=7) - timedelta(seconds=1)])
def test_short_spans_are_postgresqls(year, series, length):
    timeseries.totals(since=NOW - length, until=NOW)
    timeseries.activity(since=THIS_HOUR - timedelta(days=1), until=THIS_HOUR, bucket=HOUR)
    timeseries.per_student(since=NOW - length, until=NOW, students=[])
    assert series.queries == []


def test_a_week_is_asked_about_in_parts(year, series):
    timeseries.totals(**WEEK)
    first = THIS_HOUR - timedelta(days=7) + HOUR
    assert asked(series) == [
        ("TOTALS", "cellmonitor", WEEK["since"], first),
        ("TOTALS_OF_HOURS", "cellmonitor_hourly", first, THIS_HOUR),
        ("TOTALS", "cellmonitor", THIS_HOUR, NOW),
    ]


def test_so_is_a_chart_of_whole_hours(year, series):
    timeseries.activity(**CHART)
    assert asked(series) == [
        ("ACTIVITY_OF_HOURS", "cellmonitor_hourly", CHART["since"], THIS_HOUR),
        ("ACTIVITY", "cellmonitor", THIS_HOUR, CHART["until"]),
    ]


def test_a_chart_of_other_buckets_is_postgresqls(year, series):
    timeseries.activity(**{**CHART, "since": CHART["since"] + timedelta(minutes=30)})
    timeseries.activity(**{**CHART, "bucket": timedelta(minutes=90)})
    timeseries.per_student(**WEEK, students=[])
    assert series.queries == []


def test_parts_are_added_up(year, series):
    aoi, ren = (Student.objects.create(email=f"{name}@e.com").pk for name in ("aoi", "ren"))

    def answer(query):
        aois, ofs = ({"runs": 5, "errors": 1, "timed": 2, "milliseconds": 500.0}, {"runs": 3})
        found = [(name, [{"userId": "aoi@e.com", "_value": value}]) for name, value in aois.items()]
        if query["query"] == flux.TOTALS_OF_HOURS:
            found += [(name, [{"userId": "ren@e.com", "_value": float(value)}]) for name, value in ofs.items()]
        return 200, csv(*found)

    series.answer = answer
    assert timeseries.totals(**WEEK, students=[aoi, ren]) == timeseries.Totals(
        runs=18, errors=3, seconds=0.25, active=2
    )

    def chart(query):
        start = CHART["since"] if query["query"] == flux.ACTIVITY_OF_HOURS else THIS_HOUR
        return 200, csv(("runs", [{"_time": start, "_value": 4.0}]), ("errors", [{"_time": start, "_value": 1}]))

    series.answer = chart
    counts = [(one["executionCount"], one["errorCount"]) for one in timeseries.activity(**CHART)]
    assert counts == [(4, 1), *[(0, 0)] * 47, (4, 1)]


def test_never(year, series, settings):
    settings.INFLUXDB_ASK_DAYS = 0
    timeseries.totals(**WEEK)
    assert series.queries == []


def test_what_postgresql_no_longer_keeps(year, series, settings):
    settings.INFLUXDB_ASK_DAYS = 0
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "executions": 30}
    timeseries.totals(since=THIS_HOUR - timedelta(days=31), until=THIS_HOUR - timedelta(days=29))
    timeseries.totals(since=THIS_HOUR - timedelta(days=29), until=THIS_HOUR)
    assert [(text, until - since) for text, _, since, until in asked(series)] == [
        ("TOTALS_OF_HOURS", timedelta(days=2))
    ]


def test_sums_are_older_than_single_points(year, series, settings):
    """They are kept for ever, and believed where they were right; the odd minutes at the beginning are single ones."""
    settings.INFLUXDB_RETENTION_DAYS = 3
    timeseries.totals(**WEEK)
    assert series.queries == []
    timeseries.totals(since=THIS_HOUR - timedelta(days=300), until=NOW)
    assert [text for text, *_ in asked(series)] == ["TOTALS_OF_HOURS", "TOTALS"]


# --- Whether the sums are right ---------------------------------------------------------------------------------------


def is_asked(series) -> bool:
    timeseries.totals(**WEEK)
    return bool(asked(series))


def test_an_hour_that_got_points_since_answers_by_them(year, series, redis):
    assert is_asked(series)
    timeseries_buffer.mark_unsummed(redis, [ms(THIS_HOUR - 3 * HOUR) // 3_600_000])
    timeseries.totals(**WEEK)
    *_, (text, _, since, _) = asked(series)
    assert (text, since) == ("TOTALS", THIS_HOUR - 3 * HOUR)
    timeseries_buffer.mark_unsummed(redis, [ms(THIS_HOUR - 30 * HOUR) // 3_600_000])
    assert not is_asked(series), "single points of a day are PostgreSQL's"


def late(event_pipeline, redis, **age: float) -> None:
    event_pipeline.post(event(eventTime=(THIS_HOUR - timedelta(**age)).isoformat()))
    timeseries.send_waiting()
    redis.delete(timeseries_buffer.SUMMED)  # five minutes later
    timeseries.send_waiting()


def test_hours_that_are_over_are_summed_again(event_pipeline, year, series, redis):
    late(event_pipeline, redis, hours=30)
    [query] = series.queries
    start = THIS_HOUR - 30 * HOUR
    assert query["query"] == flux.SUM
    params = params_of(query)
    assert (params["_bucket"], params["_hourly"]) == ("cellmonitor", "cellmonitor_hourly")
    assert [datetime.fromisoformat(params[name]) for name in ("_since", "_until")] == [start, start + HOUR]
    series.queries.clear()
    assert timeseries.backlog_status().unsummed == ms(NOW) // 3_600_000
    assert is_asked(series)
    late(event_pipeline, redis, hours=30)
    assert len(series.queries) == 1, "and again, for each that comes"


def test_not_at_every_turn_and_never_the_hour_that_goes_on(event_pipeline, year, series, redis):
    redis.delete(timeseries_buffer.SUMMED)
    timeseries.send_waiting()
    assert series.queries == []
    event_pipeline.post(event(eventTime=(THIS_HOUR - 30 * HOUR).isoformat()))
    for _ in range(3):
        timeseries.send_waiting()
    assert series.queries == []
    assert 0 < redis.ttl(timeseries_buffer.SUMMED) <= 300


def test_an_hour_that_cannot_be_summed_stays_and_is_said(event_pipeline, year, series, redis, caplog):
    series.answer = lambda query: (403, "")
    late(event_pipeline, redis, hours=30)
    assert "Hours cannot be summed in InfluxDB" in caplog.text
    assert timeseries.backlog_status().unsummed == ms(THIS_HOUR - 30 * HOUR) // 3_600_000
    series.queries.clear()
    assert not is_asked(series)


def test_an_hour_of_which_points_are_gone_is_not_summed_again(event_pipeline, year, series, redis):
    """Its sums would be those of what is left."""
    start = THIS_HOUR - 30 * HOUR
    kept_from = start + timedelta(minutes=20)
    series.bucket.seconds = int((NOW - kept_from + timeseries_client.MARGIN).total_seconds())
    timeseries_buffer.request_probe(redis)
    event_pipeline.post(event(eventTime=(kept_from + timedelta(minutes=20)).isoformat()))
    timeseries.send_waiting()
    redis.delete(timeseries_buffer.SUMMED)
    timeseries.send_waiting()
    assert (series.queries, timeseries.backlog_status().expired) == ([], 0)
    assert timeseries.backlog_status().sums_from == ms(start) + 1
    assert timeseries.backlog_status().unsummed == ms(NOW) // 3_600_000


@pytest.mark.parametrize("what", ["refused", "dropped", "made again", "other sums", "no sums", "backfill"])
def test_whatever_makes_points_or_sums_wrong_makes_the_sums_unbelieved(
    event_pipeline, year, series, redis, settings, what
):
    assert is_asked(series)
    if what == "refused":
        series.judge = lambda lines: (400, "no") if "bad" in lines[0] else (204, "")
        event_pipeline.post(event(eventId="bad"))
    elif what == "dropped":
        settings.INFLUXDB_WAITING_LIMIT = 1
        event_pipeline.post(event(), event())
    elif what == "made again":
        series.remake()
    elif what == "other sums":
        series.sums = Kept(id="others")
    elif what == "no sums":
        series.sums = None
    else:
        call_command("influx_backfill", "--since", (NOW - timedelta(hours=2)).isoformat(), stdout=StringIO())
    timeseries_buffer.request_probe(redis)
    timeseries.send_waiting()
    series.queries.clear()
    backlog = timeseries.backlog_status()
    assert backlog.sums_from is None or backlog.sums_from > ms(NOW)
    with pytest.MonkeyPatch.context() as patch:  # even if single points were complete
        patch.setattr(timeseries_reads, "_kept_from", lambda *_: NOW - timedelta(days=300))
        assert not is_asked(series)


def test_sums_of_a_bucket_that_is_new_are_believed_from_then_on(series, redis):
    series.sums = Kept()
    timeseries.send_waiting()
    begins = timeseries.backlog_status().sums_from
    assert ms(NOW) < begins <= ms(datetime.now(UTC)) + 5 * 60_000
    timeseries_buffer.request_probe(redis)
    timeseries.send_waiting()
    assert timeseries.backlog_status().sums_from == begins
