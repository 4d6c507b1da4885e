"""From the pipeline to InfluxDB, and what happens where it does not take them. The server here does as it is told."""

import threading
import time

import pytest

from events import timeseries
from events.contract.schema import Event
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries import sender as timeseries_sender
from tests.events.conftest import event, failing
from tests.servers import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def sender():
    made = timeseries.Sender(interval=0.05)
    yield made
    made.end()


def ids(series) -> set[str]:
    return {point.fields["eventId"] for point in series.points}


def try_again(redis) -> int:
    """As if the pause were over."""
    redis.delete(timeseries_buffer.PAUSE)
    return timeseries.send_waiting()


def test_each_event_is_a_point_in_one_request(event_pipeline, series):
    event_pipeline.post(failing(eventId="e1"), event("help", eventId="e2"))
    assert (series.lines, timeseries.backlog_status().waiting) == ([], 2)
    assert timeseries.send_waiting() == 2
    assert (ids(series), len(series.writes), timeseries.backlog_status().waiting) == ({"e1", "e2"}, 1, 0)
    assert timeseries.send_waiting() == 0
    assert len(series.writes) == 1


def test_an_event_without_a_student_is_none(event_pipeline, series):
    event_pipeline.post(event("student_session_start", emailAddress=None))
    assert timeseries.backlog_status().waiting == 0


def test_without_influxdb_nothing_is_written(event_pipeline):
    event_pipeline.post(event())
    assert not event_pipeline.redis.keys("points:*")
    assert timeseries.send_waiting() == 0


def test_more_than_a_request_takes(event_pipeline, series, monkeypatch):
    monkeypatch.setattr(timeseries_sender, "MAX_LINES", 10)
    for start in range(0, 35, 5):
        event_pipeline.post(*(event(eventId=f"e{number}") for number in range(start, start + 5)))
    assert timeseries.send_waiting() == 35
    assert [len(body.split("\n")) for body in series.writes] == [10, 10, 10, 5]
    assert len(ids(series)) == 35


def test_a_worker_sends_by_itself(event_pipeline, series, sender):
    sender.start()
    event_pipeline.post(event(eventId="e1"))
    wait_until(lambda: series.lines, what="the point")
    assert ids(series) == {"e1"}


def test_a_server_that_hangs_holds_up_no_event(event_pipeline, series, sender, monkeypatch):
    monkeypatch.setattr(timeseries_client, "WRITE_MS", 10_000)
    series.hang = threading.Event()
    sender.start()
    event_pipeline.post(event())
    wait_until(lambda: event_pipeline.redis.exists("points:sender"), what="the sender's try")
    for _ in range(5):
        event_pipeline.post(event())
    assert not timeseries.backlog_status().reason, "all are stored, and the sender still waits"
    wait_until(lambda: timeseries.backlog_status().reason, what="giving up")
    assert timeseries.backlog_status().reason == "does not answer (ReadTimeoutError)"
    series.hang.set()
    event_pipeline.redis.delete(timeseries_buffer.PAUSE)
    wait_until(lambda: timeseries.backlog_status().waiting == 0, what="the points that waited")
    assert len(ids(series)) == 6


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_takes_nothing_delays_points(event_pipeline, series, status, caplog):
    series.judge = lambda lines: (status, "not now")
    event_pipeline.post(event(eventId="e1"))
    assert timeseries.send_waiting() == 0
    event_pipeline.post(event(eventId="e2"))
    assert timeseries.send_waiting() == 0
    assert len(series.writes) == 1  # the pause
    pauses = [event_pipeline.redis.pttl(timeseries_buffer.PAUSE)]
    for _ in range(4):
        try_again(event_pipeline.redis)
        pauses.append(event_pipeline.redis.pttl(timeseries_buffer.PAUSE))
    assert [round(pause / 1000) for pause in pauses] == [1, 2, 4, 15, 15]
    assert len([record for record in caplog.records if "points wait" in record.message]) == 1
    series.judge = lambda lines: (204, "")
    assert try_again(event_pipeline.redis) == 2
    assert (ids(series), timeseries.backlog_status().reason) == ({"e1", "e2"}, "")


def test_it_waits_as_long_as_it_is_asked_to(event_pipeline, series):
    series.judge, series.headers = lambda lines: (429, "slow down"), {"Retry-After": "30"}
    event_pipeline.post(event())
    timeseries.send_waiting()
    assert 29_000 < event_pipeline.redis.pttl(timeseries_buffer.PAUSE) <= 30_000


def test_a_server_that_is_not_there(event_pipeline, point_at):
    point_at("http://127.0.0.1:9")
    event_pipeline.post(event())
    assert timeseries.send_waiting() == 0
    assert timeseries.backlog_status().reason.startswith("does not answer")
    assert timeseries.backlog_status().waiting == 1


def test_only_the_bad_line_is_dropped_and_counted(event_pipeline, series, caplog):
    series.judge = lambda lines: (400, "hanako: bad") if any("bad-1" in line for line in lines) else (204, "")
    event_pipeline.post(*(event(eventId=f"good-{number}") for number in range(40)), event(eventId="bad-1"))
    assert timeseries.send_waiting() == 41
    assert ids(series) == {f"good-{number}" for number in range(40)}
    backlog = timeseries.backlog_status()
    assert (backlog.waiting, backlog.refused, backlog.refusal) == (0, 1, "400 hanako: bad")
    assert "InfluxDB refuses 1 points" in caplog.text
    assert len(series.writes) < 20


def test_what_is_too_large_goes_in_halves(event_pipeline, series):
    series.judge = lambda lines: (413, "too large") if len(lines) > 8 else (204, "")
    event_pipeline.post(*(event(eventId=f"e{number}") for number in range(30)))
    assert (timeseries.send_waiting(), len(ids(series)), timeseries.backlog_status().refused) == (30, 30, 0)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "refuses the token (401)"),
        (403, "refuses the token for this bucket (403)"),
        (404, "does not know the organisation or the bucket (404)"),
        (418, "answers 418"),
    ],
)
def test_what_people_must_put_right_is_waited_for_and_not_tried_again_and_again(
    event_pipeline, series, sender, status, reason
):
    series.judge = lambda lines: (status, "no")
    event_pipeline.post(*(event() for _ in range(20)))
    sender.start()
    wait_until(lambda: series.writes, what="the first try")
    time.sleep(0.4)  # eight turns
    assert len(series.writes) == 1
    assert (timeseries.backlog_status().reason, timeseries.backlog_status().waiting) == (reason, 20)


def test_a_server_that_refuses_everything_is_asked_sixteen_times_and_nothing_is_dropped(event_pipeline, series):
    series.judge = lambda lines: (422, "field type conflict of hanako")
    event_pipeline.post(*(event() for _ in range(60)))
    assert timeseries.send_waiting() == 0
    backlog = timeseries.backlog_status()
    assert (backlog.reason, backlog.waiting, backlog.refused) == ("refuses every point", 60, 0)
    assert len(series.writes) < 40


def test_two_who_send_at_once_lose_nothing(event_pipeline, series, monkeypatch):
    monkeypatch.setattr(timeseries_sender, "MAX_LINES", 3)
    monkeypatch.setattr(timeseries_sender, "SENDER_SECONDS", 0.001)  # each believes that the other is gone
    for number in range(60):
        event_pipeline.post(event(eventId=f"e{number}"))
    threads = [threading.Thread(target=timeseries.send_waiting) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    timeseries.send_waiting()
    assert len(ids(series)) == 60
    assert timeseries.backlog_status().waiting == 0


def test_points_of_an_instructor(series, redis):
    known = Event(event_id="x", event_type="error_resolved", time=1_790_000_000_000, received=0, email="a@example.com")
    timeseries.write_resolution(known, resolved_by='sensei "S"\n')
    timeseries.send_waiting()
    [point] = series.points
    assert (point.fields["success"], point.fields["resolvedBy"]) == (True, 'sensei "S"\\n')


def test_one_who_was_switched_off_meanwhile_is_not_believed_to_have_everything(
    event_pipeline, series, sender, settings
):
    sender.start()
    wait_until(lambda: sender._has_set_target, what="its first turn")
    event_pipeline.post(event())
    assert timeseries.backlog_status().complete_from
    again = timeseries.Sender(interval=0.01)  # a worker that starts again changes nothing
    again.start()
    wait_until(lambda: again._has_set_target, what="its first turn")
    assert timeseries.backlog_status().complete_from
    again.end()
    settings.INFLUXDB_URL = ""
    without = timeseries.Sender(interval=0.01)
    without.start()
    without.join(60)
    assert not without.is_alive()
    assert timeseries.backlog_status().complete_from is None


# --- The backlog's bounds ---------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_dropped_and_what_is_there_stays(event_pipeline, series, settings, clock, caplog):
    settings.INFLUXDB_WAITING_LIMIT = 5
    series.judge = lambda lines: (503, "")
    for number in range(8):
        event_pipeline.post(event(eventId=f"e{number}", eventTime=clock(number)))
    backlog = timeseries.backlog_status()
    assert (backlog.waiting, backlog.dropped) == (5, 3)
    assert backlog.dropped_since == int(clock.at(5).timestamp() * 1000)
    assert "run influx_backfill" in caplog.text
    series.judge = lambda lines: (204, "")
    timeseries.send_waiting()
    assert ids(series) == {f"e{number}" for number in range(5)}
    event_pipeline.post(event(eventId="e8"))
    assert timeseries.backlog_status().waiting == 1


def test_bytes_are_bounded_too(event_pipeline, series, settings):
    settings.INFLUXDB_WAITING_BYTES = 5_000
    for _ in range(10):
        event_pipeline.post(event(code="x" * 900))
    assert 2 <= timeseries.backlog_status().waiting <= 4
    assert int(event_pipeline.redis.hget(timeseries_buffer.HELD, "bytes")) <= 5_000
    timeseries.send_waiting()
    assert event_pipeline.redis.hmget(timeseries_buffer.HELD, "points", "bytes") == [b"0", b"0"]


def test_from_the_dropped_point_on_influxdb_is_incomplete(event_pipeline, series, settings):
    settings.INFLUXDB_WAITING_LIMIT = 1
    event_pipeline.post(event())
    before = timeseries.backlog_status().complete_from
    late = time.time() + 200
    event_pipeline.post(event(timestamp=late, eventTime=None))
    assert timeseries.backlog_status().complete_from == before
    waiting_until = before + 1_000
    with timeseries_buffer.connect() as redis:
        timeseries_buffer.append(redis, [f"m,a=b x=1i {waiting_until * 1_000_000}"], now_ms=0)
    assert timeseries.backlog_status().complete_from == waiting_until + 1


def test_keys_that_are_not_the_backlog_expire(event_pipeline, series):
    series.judge = lambda lines: (503, "")
    event_pipeline.post(event())
    timeseries.send_waiting()
    for key in (timeseries_buffer.TROUBLE, timeseries_buffer.PAUSE):
        assert event_pipeline.redis.ttl(key) > 0
    assert not event_pipeline.redis.exists("points:sender")
