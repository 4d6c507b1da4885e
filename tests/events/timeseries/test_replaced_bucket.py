"""A bucket that is deleted and made again has the name of the first and none of its points: nobody believes it to be
complete, and health says what to do."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from events import timeseries
from events.timeseries import backfill
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from tests.events.conftest import event
from tests.influx import Kept

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
SPAN = {"since": NOW - timedelta(minutes=30), "until": NOW + timedelta(minutes=1)}


@pytest.fixture
def lesson(event_pipeline, series, settings):
    """Fifty runs, all of which InfluxDB had; it is known to."""
    settings.INFLUXDB_ASK_DAYS = 0.001
    series.answer = series.ids
    event_pipeline.post(*(event(eventId=f"e{number}", eventTime=NOW.isoformat()) for number in range(50)))
    timeseries.send_waiting()
    with timeseries_buffer.connect() as redis:
        timeseries_buffer.mark_complete(
            redis, since_ms=int(SPAN["since"].timestamp() * 1000) - 1, before=timeseries.backlog_status()
        )
    return event_pipeline


def asked(series) -> int:
    """How many questions about lessons InfluxDB got; a total of the span was asked for in between."""
    before = len(series.queries)
    assert timeseries.totals(**SPAN).runs in (0, 50, 51)
    return len(series.queries) - before


def try_again() -> int:
    with timeseries_buffer.connect() as redis:
        redis.delete(timeseries_buffer.PAUSE)
    return timeseries.send_waiting()


def test_the_same_bucket_stays_believed(lesson, series):
    assert asked(series) == 1
    for _ in range(3):
        with timeseries_buffer.connect() as redis:
            timeseries_buffer.request_probe(redis)
        timeseries.send_waiting()
    assert (asked(series), timeseries.backlog_status().remade) == (1, None)


def test_a_bucket_that_was_made_again_is_not_complete(lesson, series, caplog):
    series.remake()
    with timeseries_buffer.connect() as redis:
        timeseries_buffer.request_probe(redis)  # the minute is over
    timeseries.send_waiting()  # nothing waits, and yet it is looked at
    backlog = timeseries.backlog_status()
    assert backlog.complete_from > datetime.now(UTC).timestamp() * 1000
    assert abs(backlog.remade - datetime.now(UTC).timestamp() * 1000) < 60_000
    assert "run influx_backfill" in caplog.text
    assert (asked(series), timeseries.totals(**SPAN).runs) == (0, 50)


def test_the_same_name_and_id_made_at_another_time_is_another_one(lesson, series):
    series.bucket = Kept(id=series.bucket.id, made="2024-01-01T00:00:00Z")
    with timeseries_buffer.connect() as redis:
        timeseries_buffer.request_probe(redis)
    timeseries.send_waiting()
    assert asked(series) == 0


def test_a_write_that_finds_no_bucket_looks_again_before_anything_else_is_written(lesson, series):
    series.bucket = None
    lesson.post(event(eventId="later"))
    assert timeseries.send_waiting() == 0
    assert timeseries.backlog_status().reason == "does not know the organisation or the bucket (404)"
    series.remake()
    assert try_again() == 1
    assert (timeseries.backlog_status().reason, asked(series)) == ("", 0)
    assert timeseries.backlog_status().remade is not None


def test_after_an_outage_it_is_looked_at_first(lesson, series):
    looks = series.looks
    series.judge = lambda lines: (503, "")
    lesson.post(event(eventId="later"))
    timeseries.send_waiting()
    series.judge = lambda lines: (204, "")
    series.remake()
    assert try_again() == 1
    assert series.looks == looks + 1
    assert asked(series) == 0


def test_a_question_that_fails_has_it_looked_at(lesson, series):
    series.answer = lambda query: (404, "")
    assert timeseries.totals(**SPAN).runs == 50
    looks = series.looks
    timeseries.send_waiting()
    assert series.looks == looks + 1


def test_it_is_looked_at_once_a_minute_not_at_every_turn(lesson, series, redis):
    looks = series.looks
    for number in range(5):
        lesson.post(event(eventId=f"later{number}"))
        timeseries.send_waiting()
    assert series.looks == looks
    assert 0 < redis.ttl(timeseries_buffer.PROBED) <= timeseries_buffer.PROBE_SECONDS


def test_a_server_that_does_not_show_it_is_not_asked(event_pipeline, series, settings):
    settings.INFLUXDB_ASK_DAYS = 0.001
    series.shows_bucket = False
    event_pipeline.post(event(eventTime=NOW.isoformat()))
    timeseries.send_waiting()
    with timeseries_buffer.connect() as redis:
        timeseries_buffer.mark_complete(redis, since_ms=0, before=timeseries.backlog_status())
    assert (timeseries.totals(**SPAN).runs, series.queries) == (1, [])


def test_a_backfill_makes_it_whole_and_believed_again(lesson, series):
    series.remake()
    said = StringIO()
    call_command("influx_backfill", "--since", (NOW - timedelta(hours=1)).isoformat(), stdout=said)
    assert "50 points written, 0 were there" in said.getvalue()
    assert (timeseries.backlog_status().remade, asked(series)) == (None, 1)


def test_a_bucket_that_is_made_again_during_a_backfill(lesson, series, monkeypatch):
    def rows(**span):
        series.remake()
        return iter(())

    monkeypatch.setattr(backfill, "rows", rows)
    with pytest.raises(CommandError, match="made again meanwhile"):
        call_command("influx_backfill", "--since", "start")
    assert timeseries.backlog_status().complete_from > NOW.timestamp() * 1000


def test_an_older_copy_of_the_product_said_what_is_complete_and_not_of_which_bucket(redis, series):
    """Its bucket is believed where it is older than that."""
    long_ago = int((NOW - timedelta(days=1)).timestamp() * 1000)
    redis.hset(timeseries_buffer.HELD, "complete_from", long_ago)
    timeseries.send_waiting()
    assert timeseries.backlog_status().complete_from == long_ago
    redis.hdel(timeseries_buffer.HELD, "bucket")
    series.remake()
    timeseries_buffer.request_probe(redis)
    timeseries.send_waiting()
    assert timeseries.backlog_status().complete_from > NOW.timestamp() * 1000


def test_a_server_that_is_away_while_nothing_waits_is_no_trouble_of_ours(redis, series, point_at):
    point_at("http://127.0.0.1:9")
    assert timeseries.send_waiting() == 0
    assert timeseries.backlog_status().reason == ""
    assert 0 < redis.ttl(timeseries_buffer.PROBED) <= timeseries_buffer.AWAY_PAUSE


def test_a_server_without_it_shows_none(series):
    series.bucket = None
    assert timeseries_client.bucket() is None
    series.bucket, series.shows_bucket = Kept(), False
    assert timeseries_client.bucket() is None
    series.shows_bucket = True
    assert timeseries_client.bucket() == timeseries_client.Bucket("0000000000000001", 1_577_836_800_123, 0)
