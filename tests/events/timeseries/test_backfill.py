"""`manage.py influx_backfill`: points again from PostgreSQL's rows."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from events import timeseries
from events.contract.schema import Event
from events.timeseries import backfill
from events.timeseries import buffer as timeseries_buffer
from tests.events.conftest import event, failing
from tests.events.timeseries.test_flux import csv
from tests.influx import params_of, parse

pytestmark = pytest.mark.django_db


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("influx_backfill", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def lesson(event_pipeline, series, clock):
    """Everything that leaves a row, all of it sent: what InfluxDB was told is in `series`."""
    event_pipeline.post(
        event(eventId="run", eventTime=clock(0), cellIndex=4, executionDurationMs=12.5),
        failing(eventId="failed", eventTime=clock(1)),
        event(eventId="aborted", eventTime=clock(2), executionCount=None, result=None),
        event("notebook_saved", eventId="saved", eventTime=clock(3)),
        event("help", eventId="help", eventTime=clock(4), cellId="c1"),
        event("unheard_of", eventId="other", eventTime=clock(5)),
        event("student_session_start", eventId="instructor", emailAddress=None, instructor_id=1),
    )
    timeseries.send_waiting()


SENT = {"run", "failed", "aborted", "saved", "help", "other"}


def told(series) -> dict[str, object]:
    return {parse(line).fields["eventId"]: parse(line) for line in series.lines}


def test_rows_become_the_points_that_their_events_were(lesson, series):
    first = told(series)
    series.lines.clear()
    assert "6 points written, 0 were there, 0 refused." in command("--since", "start", "--new")
    again = told(series)
    assert again.keys() == first.keys() == SENT
    for name in ("run", "failed", "aborted", "help", "other"):
        assert again[name] == first[name]
    # An access does not remember its session.
    assert again["saved"].tags == {**first["saved"].tags, "sessionId": "unknown"}
    assert (again["saved"].fields, again["saved"].time) == (first["saved"].fields, first["saved"].time)


def test_only_what_is_not_there_is_written(lesson, series, clock):
    series.lines.clear()
    present = [{"_value": f'"{name}"'} for name in ("run", "help", "saved")]
    series.answer = lambda query: (200, csv(("_result", present)).replace("long\r\n", "string\r\n", 3))
    assert "3 points written, 3 were there" in command("--since", clock(-10))
    assert told(series).keys() == {"failed", "aborted", "other"}
    assert all(query["query"] == backfill.PRESENT for query in series.queries)
    since = datetime.fromisoformat(params_of(series.queries[0])["_since"])
    assert since <= clock.at(0) < since + backfill.SPAN


def test_nothing_is_asked_about_times_in_which_nothing_was(lesson, series, clock):
    command("--since", clock(-90_000), "--dry-run")
    assert 1 <= len(series.queries) <= 2


def test_dry_run(lesson, series, redis):
    series.lines.clear()
    before = timeseries.backlog_status()
    assert "6 points would be written" in command("--since", "start", "--dry-run")
    assert (series.lines, timeseries.backlog_status()) == ([], before)


def test_afterwards_influxdb_is_complete_from_then_on(lesson, series, redis, clock):
    redis.hset(
        timeseries_buffer.HELD,
        mapping={"dropped": 5, "dropped_since": int(clock.at(0).timestamp() * 1000), "refused": 1},
    )
    command("--since", clock(-10))
    backlog = timeseries.backlog_status()
    assert (backlog.dropped, backlog.dropped_since, backlog.refused) == (0, None, 0)
    assert backlog.complete_from == int(clock.at(-10).timestamp() * 1000)


def test_a_part_does_not_make_it_complete(lesson, series, redis, clock):
    before = timeseries.backlog_status().complete_from
    command("--since", clock(-10), "--until", clock(100))
    assert timeseries.backlog_status().complete_from == before


def test_points_that_are_dropped_meanwhile(lesson, series, redis, clock, monkeypatch):
    def drop(**kwargs: object) -> list[Event]:
        redis.hincrby(timeseries_buffer.HELD, "dropped", 1)
        return []

    monkeypatch.setattr(backfill, "rows", lambda **span: iter(drop()))
    with pytest.raises(CommandError, match="dropped meanwhile"):
        command("--since", clock(-10))


def test_a_server_that_goes_away(lesson, series, clock):
    series.judge = lambda lines: (503, "")
    with pytest.raises(CommandError, match="answers 503; 0 points were written"):
        command("--since", clock(-10))
    series.answer = lambda query: (401, "")
    with pytest.raises(CommandError, match="refuses the token"):
        command("--since", clock(-10))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "yesterday"], "is no time"),
        (["--since", "2026-01-02", "--until", "2026-01-01"], "after"),
    ],
)
def test_bad_times(series, arguments, message):
    with pytest.raises(CommandError, match=message):
        command(*arguments)


def test_without_influxdb():
    with pytest.raises(CommandError, match="No InfluxDB is configured"):
        command("--since", "start")


def test_a_large_table_takes_a_constant_number_of_queries_a_span(event_pipeline, series, django_assert_num_queries):
    start = datetime.now(UTC) - timedelta(minutes=9)
    for number in range(0, 300, 100):
        event_pipeline.post(*(event(eventTime=(start + timedelta(seconds=number + n)).isoformat()) for n in range(100)))
    with django_assert_num_queries(3):
        found = list(backfill.rows(since=start - timedelta(minutes=1), until=start + timedelta(minutes=9)))
    assert len(found) == 300
