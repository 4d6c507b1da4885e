"""A bucket that is deleted and made again has the name of the first and none of its points: nobody believes it to be
complete, and health says what to do."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from events import points
from events.points import backfill, server, waiting
from tests.events.conftest import event
from tests.influx import Kept

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
SPAN = {"since": NOW - timedelta(minutes=30), "until": NOW + timedelta(minutes=1)}


@pytest.fixture
def lesson(river, series, settings):
    """Fifty runs, all of which InfluxDB had; it is known to."""
    settings.INFLUXDB_ASK_DAYS = 0.001
    series.answer = series.ids
    river.post(*(event(eventId=f"e{number}", eventTime=NOW.isoformat()) for number in range(50)))
    points.send_waiting()
    with waiting.connect() as redis:
        waiting.call_complete(redis, since_ms=int(SPAN["since"].timestamp() * 1000) - 1, before=points.standing())
    return river


def asked(series) -> int:
    """How many questions about lessons InfluxDB got; a total of the span was asked for in between."""
    before = len(series.queries)
    assert points.totals(**SPAN).runs in (0, 50, 51)
    return len(series.queries) - before


def try_again() -> int:
    with waiting.connect() as redis:
        redis.delete(waiting.PAUSE)
    return points.send_waiting()


def test_the_same_bucket_stays_believed(lesson, series):
    assert asked(series) == 1
    for _ in range(3):
        with waiting.connect() as redis:
            waiting.look_again(redis)
        points.send_waiting()
    assert (asked(series), points.standing().remade) == (1, None)


def test_a_bucket_that_was_made_again_is_not_complete(lesson, series, caplog):
    series.remake()
    with waiting.connect() as redis:
        waiting.look_again(redis)  # the minute is over
    points.send_waiting()  # nothing waits, and yet it is looked at
    standing = points.standing()
    assert standing.complete_from > datetime.now(UTC).timestamp() * 1000
    assert abs(standing.remade - datetime.now(UTC).timestamp() * 1000) < 60_000
    assert "run influx_backfill" in caplog.text
    assert (asked(series), points.totals(**SPAN).runs) == (0, 50)


def test_the_same_name_and_id_made_at_another_time_is_another_one(lesson, series):
    series.bucket = Kept(id=series.bucket.id, made="2024-01-01T00:00:00Z")
    with waiting.connect() as redis:
        waiting.look_again(redis)
    points.send_waiting()
    assert asked(series) == 0


def test_a_write_that_finds_no_bucket_looks_again_before_anything_else_is_written(lesson, series):
    series.bucket = None
    lesson.post(event(eventId="later"))
    assert points.send_waiting() == 0
    assert points.standing().reason == "does not know the organisation or the bucket (404)"
    series.remake()
    assert try_again() == 1
    assert (points.standing().reason, asked(series)) == ("", 0)
    assert points.standing().remade is not None


def test_after_an_outage_it_is_looked_at_first(lesson, series):
    looks = series.looks
    series.judge = lambda lines: (503, "")
    lesson.post(event(eventId="later"))
    points.send_waiting()
    series.judge = lambda lines: (204, "")
    series.remake()
    assert try_again() == 1
    assert series.looks == looks + 1
    assert asked(series) == 0


def test_a_question_that_fails_has_it_looked_at(lesson, series):
    series.answer = lambda query: (404, "")
    assert points.totals(**SPAN).runs == 50
    looks = series.looks
    points.send_waiting()
    assert series.looks == looks + 1


def test_it_is_looked_at_once_a_minute_not_at_every_turn(lesson, series, redis):
    looks = series.looks
    for number in range(5):
        lesson.post(event(eventId=f"later{number}"))
        points.send_waiting()
    assert series.looks == looks
    assert 0 < redis.ttl(waiting.LOOKED) <= waiting.LOOK_SECONDS


def test_a_server_that_does_not_show_it_is_not_asked(river, series, settings):
    settings.INFLUXDB_ASK_DAYS = 0.001
    series.shows_bucket = False
    river.post(event(eventTime=NOW.isoformat()))
    points.send_waiting()
    with waiting.connect() as redis:
        waiting.call_complete(redis, since_ms=0, before=points.standing())
    assert (points.totals(**SPAN).runs, series.queries) == (1, [])


def test_a_backfill_makes_it_whole_and_believed_again(lesson, series):
    series.remake()
    said = StringIO()
    call_command("influx_backfill", "--since", (NOW - timedelta(hours=1)).isoformat(), stdout=said)
    assert "50 points written, 0 were there" in said.getvalue()
    assert (points.standing().remade, asked(series)) == (None, 1)


def test_a_bucket_that_is_made_again_during_a_backfill(lesson, series, monkeypatch):
    def rows(**span):
        series.remake()
        return iter(())

    monkeypatch.setattr(backfill, "rows", rows)
    with pytest.raises(CommandError, match="made again meanwhile"):
        call_command("influx_backfill", "--since", "start")
    assert points.standing().complete_from > NOW.timestamp() * 1000


def test_an_older_copy_of_the_product_said_what_is_complete_and_not_of_which_bucket(redis, series):
    """Its bucket is believed where it is older than that."""
    long_ago = int((NOW - timedelta(days=1)).timestamp() * 1000)
    redis.hset(waiting.HELD, "complete_from", long_ago)
    points.send_waiting()
    assert points.standing().complete_from == long_ago
    redis.hdel(waiting.HELD, "bucket")
    series.remake()
    waiting.look_again(redis)
    points.send_waiting()
    assert points.standing().complete_from > NOW.timestamp() * 1000


def test_a_server_that_is_away_while_nothing_waits_is_no_trouble_of_ours(redis, series, point_at):
    point_at("http://127.0.0.1:9")
    assert points.send_waiting() == 0
    assert points.standing().reason == ""
    assert 0 < redis.ttl(waiting.LOOKED) <= waiting.AWAY_PAUSE


def test_a_server_without_it_shows_none(series):
    series.bucket = None
    assert server.bucket() is None
    series.bucket, series.shows_bucket = Kept(), False
    assert server.bucket() is None
    series.shows_bucket = True
    assert server.bucket() == server.Bucket("0000000000000001", 1_577_836_800_123, 0)
