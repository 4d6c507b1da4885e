"""A backfill while a lesson goes on: every event is one point, none is missing and none is there twice. An access does
not remember its session nor a run the team of its day, so that a point made from a row would stand beside the live one.

What was written is counted in VictoriaMetrics; the server before it answers what that cannot, and records.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from events import timeseries
from events.timeseries import backfill
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from tests.events.conftest import event
from tests.events.timeseries.test_outage import ROWS

pytestmark = pytest.mark.django_db

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


@pytest.fixture
def influx(victoria, series):
    series.forward, series.answer = victoria.url, series.ids
    return series


def batch(name: str, minute: float, *, team: str = "A") -> list[dict]:
    """Three events that make a row in each of the three tables; their sessions have names."""
    moments = [(START + timedelta(minutes=minute, seconds=number)).isoformat() for number in range(3)]
    known = {"sessionId": f"session {name}", "teamName": team}
    return [
        event(eventId=f"{name}-run", eventTime=moments[0], **known),
        event("notebook_opened", eventId=f"{name}-opened", eventTime=moments[1], **known),
        event("help", eventId=f"{name}-help", eventTime=moments[2], **known),
    ]


def command(*options: str) -> str:
    said = StringIO()
    call_command("influx_backfill", "--since", "start", *options, stdout=said)
    return said.getvalue()


def compare(victoria) -> Counter:
    """How often each event is there, by (student, kind, time)."""
    found = Counter(
        (student, kind, moment)
        for (student, kind, *_), samples in victoria.export("executionCount").items()
        for moment in samples
    )
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        rows = Counter(cursor.fetchall())
    assert rows - found == Counter(), "missing"
    assert found - rows == Counter(), "there twice"
    return found


@pytest.mark.parametrize("options", [("--new",), ()], ids=["new", "not new"])
def test_events_that_arrive_before_during_and_after(event_pipeline, victoria, influx, settings, monkeypatch, options):
    settings.INFLUXDB_URL = ""
    for minute in range(0, 60, 5):  # before there was an InfluxDB
        event_pipeline.post(*batch(f"before{minute}", minute))
    settings.INFLUXDB_URL = influx.url
    event_pipeline.post(*batch("live", 61), *batch("late", 7, team="B"))  # sent
    timeseries.send_waiting()
    event_pipeline.post(*batch("waits", 62), *batch("waits late", 8, team="B"))  # laid down
    wrote = backfill._write

    def write(part, *args, **kwargs):
        """While a part of the rows is written, others arrive: of times that are read later, and of such that were."""
        number = len(arrived)
        arrived.append(number)
        event_pipeline.post(*batch(f"meanwhile{number}", 63 + number), *batch(f"late meanwhile{number}", 9, team="B"))
        event_pipeline.post(*batch(f"next{number}", 31 + number / 10))
        if number % 2:
            timeseries.send_waiting()
        wrote(part, *args, **kwargs)

    arrived: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(backfill, "_write", write)
        said = command(*options)
    assert len(arrived) >= 6
    assert "36 points written, 12 were there, 0 refused." in said
    timeseries.send_waiting()
    assert sum(compare(victoria).values()) == 3 * (12 + 4 + 3 * len(arrived))
    assert "0 points written" in command(), "and a second one finds nothing to do"
    compare(victoria)


def test_new_asks_once(event_pipeline, influx):
    for minute in range(0, 60, 5):
        event_pipeline.post(*batch(f"e{minute}", minute))
    timeseries.send_waiting()
    command("--new")
    assert [query["query"] for query in influx.queries] == [backfill.FIRST]


def test_a_bucket_with_much_in_it_is_not_new(event_pipeline, influx, monkeypatch):
    monkeypatch.setattr(backfill, "MAX_NEW_POINTS", 5)
    event_pipeline.post(*batch("a", 0), *batch("b", 1))
    timeseries.send_waiting()
    with pytest.raises(CommandError, match="run this without --new"):
        command("--new")


def test_what_cannot_be_sent_first_is_said(event_pipeline, influx):
    event_pipeline.post(*batch("a", 0))
    influx.judge = lambda lines: (503, "")
    with pytest.raises(CommandError, match="InfluxDB answers 503; 0 points were written"):
        command()


def test_somebody_else_who_sends_is_waited_for_and_not_for_ever(event_pipeline, influx, redis, monkeypatch):
    monkeypatch.setattr(backfill, "SEND_TIMEOUT", 0.3)
    event_pipeline.post(*batch("a", 0))
    with redis.lock("points:sender", timeout=30), pytest.raises(CommandError, match="did not take what waits"):
        command()
    assert "0 points written, 3 were there" in command()


def test_before_any_worker_writes_it_does_not_say_that_all_is_there(event_pipeline, influx, redis):
    timeseries_buffer.set_target(redis, target="")
    event_pipeline.post(*batch("a", 0))
    redis.delete(timeseries_buffer.WAITING, timeseries_buffer.HELD)
    said = command("--new")
    assert "3 points written" in said
    assert "No worker writes to this InfluxDB yet" in said
    assert timeseries.backlog_status().complete_from is None
    timeseries_buffer.set_target(redis, target=timeseries_client.target())
    command()
    assert timeseries.backlog_status().complete_from is not None
