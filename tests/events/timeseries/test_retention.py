"""What the bucket no longer keeps, and what InfluxDB drops of a request of which it writes the rest (422, "partial
write"): neither holds up anybody, and nothing that is missing is believed to be there. The server here answers as
InfluxDB 2.7.12 did."""

import time
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from events import timeseries
from events.contract.schema import Event
from events.timeseries import backfill as timeseries_backfill
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries.line_protocol import line
from tests.events.conftest import event
from tests.influx import parse

pytestmark = pytest.mark.django_db

HOUR = 3600
RETENTION = "failure writing points to database: partial write: points beyond retention policy dropped=16"


def ids(series) -> set[str]:
    return {point.fields["eventId"] for point in series.points}


def lines(*ages: timedelta, kind: str = "cell_executed", **fields) -> list[str]:
    moments = [int((datetime.now(UTC) - age).timestamp() * 1000) for age in ages]
    return [
        line(
            Event(event_id=f"e{number}", event_type=kind, time=moment, received=moment, email="a@example.com", **fields)
        )
        for number, moment in enumerate(moments)
    ]


def lay(redis, written: list[str]) -> None:
    timeseries_buffer.append(redis, written, now_ms=int(time.time() * 1000))


def ago(**length: float) -> str:
    return (datetime.now(UTC) - timedelta(**length)).isoformat()


# --- Older than the bucket keeps --------------------------------------------------------------------------------------


def test_what_the_bucket_does_not_keep_is_not_sent_and_holds_up_nobody(event_pipeline, series):
    """Sixteen events of a computer that was offline for weeks, then a lesson."""
    series.bucket.seconds = 48 * HOUR
    event_pipeline.post(*(event(eventId=f"old{number}", eventTime=ago(days=6)) for number in range(16)))
    event_pipeline.post(event(eventId="new"))
    complete = timeseries.backlog_status().complete_from
    assert timeseries.send_waiting() == 17
    backlog = timeseries.backlog_status()
    assert ids(series) == {"new"}
    assert (backlog.waiting, backlog.expired, backlog.refused, backlog.reason) == (0, 16, 0, "")
    assert backlog.complete_from == complete
    assert len(series.writes) == 1


def test_a_batch_of_nothing_else_asks_nothing(redis, series):
    series.bucket.seconds = 48 * HOUR
    lay(redis, lines(*[timedelta(days=3)] * 16))
    assert timeseries.send_waiting() == 16
    assert (series.writes, timeseries.backlog_status().expired, timeseries.backlog_status().waiting) == ([], 16, 0)


def test_shortly_before_it_would_be_let_go_a_point_is_not_sent_either(redis, series):
    series.bucket.seconds = 48 * HOUR
    lay(
        redis,
        lines(timedelta(hours=48) - timeseries_client.MARGIN / 2, timedelta(hours=48) - timeseries_client.MARGIN * 2),
    )
    timeseries.send_waiting()
    assert (ids(series), timeseries.backlog_status().expired) == ({"e1"}, 1)


def test_a_bucket_that_keeps_everything(redis, series):
    lay(redis, lines(timedelta(days=9_000)))
    timeseries.send_waiting()
    assert (ids(series), timeseries.backlog_status().expired) == ({"e0"}, 0)


def test_where_the_bucket_is_not_shown_influxdb_drops_them_and_nobody_waits(redis, series):
    """Sixteen old ones in a row, as they were found: "refuses every point" blocked the backlog of everybody."""
    series.shows_bucket, series.bucket.seconds = False, 48 * HOUR
    lay(redis, lines(*[timedelta(days=3)] * 16))
    lay(redis, lines(*[timedelta()] * 4))
    assert timeseries.send_waiting() == 20
    backlog = timeseries.backlog_status()
    assert (backlog.waiting, backlog.expired, backlog.refused, backlog.reason) == (0, 16, 0, "")
    assert ids(series) == {f"e{number}" for number in range(4)}
    assert len(series.writes) == 1, "the good ones were written at once: nothing is looked for"


def test_the_answer_that_was_seen(redis, series):
    series.judge = lambda found: (422, RETENTION)
    lay(redis, lines(*[timedelta(days=99)] * 16))
    assert timeseries.send_waiting() == 16
    assert (timeseries.backlog_status().expired, timeseries.backlog_status().reason) == (16, "")


@pytest.mark.parametrize(
    "said",
    [
        "partial write: points beyond retention policy dropped=2",
        # As later versions say it.
        "failure writing points to database: partial write: dropped 2 points outside retention policy of duration "
        "2160h0m0s - oldest point m,a=b at 2020-01-01T00:00:00Z dropped_count=2 dropped=2",
    ],
)
def test_other_words_for_it(redis, series, said):
    series.judge = lambda found: (422, said)
    assert (sent := timeseries_client.send(lines(*[timedelta()] * 5))).expired == 2
    assert (sent.written, sent.refused) == (3, 0)


def test_a_retention_that_was_raised_does_not_bring_back_what_was_let_go(redis, series):
    series.bucket.seconds = 48 * HOUR
    lay(redis, lines(timedelta()))
    timeseries.send_waiting()
    timeseries_buffer.mark_complete(redis, since_ms=0, before=timeseries.backlog_status())
    timeseries_buffer.request_probe(redis)
    timeseries.send_waiting()
    kept = int((datetime.now(UTC) - timedelta(hours=48) + timeseries_client.MARGIN).timestamp() * 1000)
    assert kept - 60_000 < timeseries.backlog_status().complete_from <= kept
    series.bucket.seconds = 90 * 24 * HOUR
    timeseries_buffer.request_probe(redis)
    timeseries.send_waiting()
    assert timeseries.backlog_status().complete_from >= kept - 60_000
    assert timeseries.backlog_status().retention == 90 * 24 * HOUR


# --- Written but for some ---------------------------------------------------------------------------------------------


@pytest.fixture
def typed(series):
    """`duration` is a whole number in this bucket, because another program wrote it first."""
    series.bucket.types["student_progress", "duration"] = int
    return series


def run(number: int, **fields) -> dict:
    known = {"eventId": f"e{number}", "eventTime": ago(minutes=10 - number / 100), "executionDurationMs": None}
    return event(**{**known, **fields})


def test_the_good_ones_of_a_partial_write_are_delivered_and_the_bad_ones_counted(event_pipeline, typed):
    event_pipeline.post(*(run(number, executionDurationMs=5 if number in (3, 4, 30) else None) for number in range(40)))
    assert timeseries.send_waiting() == 40
    backlog = timeseries.backlog_status()
    assert ids(typed) == {f"e{number}" for number in range(40)} - {"e3", "e4", "e30"}
    assert (backlog.waiting, backlog.refused, backlog.expired, backlog.reason) == (0, 3, 0, "")
    assert "field type conflict" in backlog.refusal


def test_a_request_of_bad_lines_alone_is_about_the_lines(event_pipeline, typed):
    event_pipeline.post(*(run(number, executionDurationMs=5) for number in range(60)))
    event_pipeline.post(run(60))
    assert timeseries.send_waiting() == 61
    backlog = timeseries.backlog_status()
    assert (backlog.waiting, backlog.refused, backlog.reason) == (0, 60, "")
    assert ids(typed) == {"e60"}


def test_many_bad_lines_do_not_cost_a_request_each(redis, typed):
    bad = lines(*[timedelta()] * 300, name="bad", duration_ms=5.0, cell="c", execution_count=1, notebook="n.ipynb")
    good = lines(*[timedelta()] * 300, kind="help")
    mixed = [one for pair in zip(bad, good, strict=True) for one in pair]
    sent = timeseries_client.send(mixed)
    assert (sent.written, sent.refused, len({one.fields["eventId"] for one in typed.points})) == (300, 300, 300)
    assert len(typed.writes) < 80


def test_up_to_a_refused_point_influxdb_is_not_complete(event_pipeline, typed):
    event_pipeline.post(run(0))
    timeseries.send_waiting()
    with timeseries_buffer.connect() as redis:
        timeseries_buffer.mark_complete(redis, since_ms=0, before=timeseries.backlog_status())
    event_pipeline.post(run(1, executionDurationMs=5), run(2))
    timeseries.send_waiting()
    refused = parse(next(one for one in "\n".join(typed.writes).split("\n") if "duration=" in one)).time // 10**6
    assert timeseries.backlog_status().complete_from == refused + 1
    assert timeseries.backlog_status().refused_until == refused


def test_a_number_of_the_product_itself_that_is_refused_makes_no_lesson_incomplete(redis, series):
    series.judge = lambda found: (400, "no") if any("system_metrics" in one for one in found) else (204, "")
    lay(redis, lines(timedelta(minutes=1)))
    timeseries.send_waiting()
    timeseries_buffer.mark_complete(redis, since_ms=0, before=timeseries.backlog_status())
    timeseries.write_numbers({"system_metrics": {"a": 1}}, tags={"host": "h"}, at=int(time.time()))
    timeseries.send_waiting()
    backlog = timeseries.backlog_status()
    assert (backlog.refused, backlog.refused_until, backlog.complete_from) == (1, None, 0)


# --- influx_backfill --------------------------------------------------------------------------------------------------


@pytest.fixture
def days_at_once(monkeypatch):
    """Six days are read in six steps instead of 864."""
    monkeypatch.setattr(timeseries_backfill, "SPAN", timedelta(days=1))


def backfill(*arguments: str) -> str:
    out = StringIO()
    call_command("influx_backfill", *arguments, stdout=out)
    return out.getvalue()


def test_a_backfill_from_the_start_leaves_out_what_the_bucket_does_not_keep_and_says_so(
    event_pipeline, series, days_at_once
):
    series.answer = series.ids
    event_pipeline.post(event(eventId="old", eventTime=ago(days=6)), *(event(eventId=f"e{n}") for n in range(3)))
    timeseries.send_waiting()
    series.remake(seconds=48 * HOUR)
    for options in (("--new",), ()):
        series.lines.clear()
        said = backfill("--since", "start", *options)
        assert "The bucket keeps points for 2 days: what was before" in said
        assert "3 points written, 0 were there, 0 refused." in said
        assert ids(series) == {"e0", "e1", "e2"}
        kept = (datetime.now(UTC) - timedelta(days=2) + timeseries_client.MARGIN).timestamp() * 1000
        assert kept - 60_000 < timeseries.backlog_status().complete_from <= kept
    assert timeseries.backlog_status().reason == ""


def test_a_backfill_counts_what_influxdb_drops(event_pipeline, series, days_at_once):
    series.answer, series.shows_bucket = series.ids, False
    event_pipeline.post(event(eventId="old", eventTime=ago(days=6)), event(eventId="new"))
    timeseries.send_waiting()
    series.lines.clear()
    series.bucket.seconds = 48 * HOUR
    said = backfill("--since", "start")
    assert "1 points written, 0 were there, 0 refused.\n1 are older than the bucket keeps points." in said


def test_a_backfill_of_which_a_point_was_refused_makes_complete_from_then_on(event_pipeline, series):
    series.answer = series.ids
    event_pipeline.post(run(1, executionDurationMs=5), run(2))
    timeseries.send_waiting()
    series.remake()
    series.bucket.types["student_progress", "duration"] = int
    assert "1 points written, 0 were there, 1 refused." in backfill("--since", "start")
    backlog = timeseries.backlog_status()
    assert backlog.complete_from == backlog.refused_until + 1
    assert backlog.refused == 1
    del series.bucket.types["student_progress", "duration"]  # somebody put it right
    assert "1 points written, 1 were there, 0 refused." in backfill("--since", "start")
    assert timeseries.backlog_status().complete_from < backlog.complete_from
    assert timeseries.backlog_status().refused == 0
