"""What InfluxDB is told when a student is erased, and what leaves the backlog. InfluxDB itself is not at hand: the
requests are compared with its API (POST /api/v2/delete)."""

import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from events import timeseries
from events.timeseries import backfill, erasure
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from tests.events.conftest import event

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def erase(*spellings: str) -> None:
    timeseries.erase(spellings, cut=lambda line: line.replace("A@example.com", "forgotten"), now=NOW)


@pytest.fixture
def deletions(point_at, redis):
    """The deletions asked for, as (bucket, body); `status` by bucket."""
    asked, status = [], {"cellmonitor_hourly": 404}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            place = urlsplit(self.path)
            [bucket] = parse_qs(place.query)["bucket"]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((place.path, bucket, json.loads(body) if place.path.endswith("delete") else body))
            self.send_response(status.get(bucket, 204))
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    point_at(f"http://127.0.0.1:{web.server_port}")
    yield asked, status
    web.shutdown()
    web.server_close()


def test_points_of_both_buckets_are_deleted_by_the_address_in_lower_case(deletions):
    asked, _ = deletions
    erase('Ha"nako\\@Example.com')
    assert [(path, bucket) for path, bucket, _ in asked] == [
        ("/api/v2/delete", "cellmonitor"),
        ("/api/v2/delete", "cellmonitor_hourly"),
    ]
    body = asked[0][2]
    assert body["predicate"] == 'userId="ha\\"nako＼@example.com"'
    assert body["start"].startswith("1970-01-01")
    assert body["stop"].startswith("2026-11-23")


def test_every_spelling_that_was_met_is_deleted(deletions, redis):
    asked, _ = deletions
    said = [
        "student_progress,userId=ｔａｒｏ＠example.com,event=x a=1i 1",
        "student_progress,userId=taro@example.com.au,e=x a=1i 1",
    ]
    timeseries_buffer.append(redis, said, now_ms=1)
    erase("Taro@example.com", "ｔａｒｏ＠example.com")
    predicates = {body["predicate"] for _, bucket, body in asked if bucket == "cellmonitor"}
    assert predicates == {'userId="taro@example.com"', 'userId="ｔａｒｏ＠example.com"'}
    [(_, entry)] = redis.xrange(timeseries_buffer.WAITING)
    assert json.loads(entry[b"l"]) == said[1:]


def test_a_bucket_that_is_not_there_is_an_error_only_where_points_are_written(deletions):
    _, status = deletions
    status["cellmonitor"] = 404
    with pytest.raises(timeseries.unreachable()):
        erase("a@example.com")


def test_while_points_are_being_sent_nothing_is_erased(deletions, redis, monkeypatch):
    asked, _ = deletions
    monkeypatch.setattr(erasure, "SENDER_TIMEOUT", 0.1)
    redis.set(erasure.SENDER, "busy")
    with pytest.raises(timeseries_client.unreachable()):
        erase("a@example.com")
    assert asked == []


def test_the_backlog_counts_what_is_left(deletions, redis):
    mine = "student_progress,userId=a@example.com,event=x a=1i 1000000"
    theirs = 'student_progress,userId=b@example.com,event=x a="A@example.com" 1000000'
    timeseries_buffer.append(redis, [mine, theirs], now_ms=1)
    timeseries_buffer.append(redis, [mine], now_ms=1)
    erase("a@example.com")
    [(_, entry)] = redis.xrange(timeseries_buffer.WAITING)
    assert json.loads(entry[b"l"]) == [theirs.replace("A@example.com", "forgotten")]
    assert int(redis.hget(timeseries_buffer.HELD, "bytes")) == len(entry[b"l"])
    assert timeseries.backlog_status().waiting == 1


def test_while_a_backfill_runs_nothing_is_erased_because_it_may_hold_rows(deletions, redis, clock, event_pipeline):
    asked, _ = deletions
    event_pipeline.post(event(eventTime=clock(0)))
    running = backfill.backfill(since=clock.at(-600), until=clock.at(1200), is_new=True)
    next(running)
    with pytest.raises(TimeoutError, match="influx_backfill is running"):
        erase("a@example.com")
    assert not [path for path, _, _ in asked if path.endswith("delete")]
    assert redis.ttl(timeseries_buffer.BACKFILLS) > 0
    list(running)
    erase("a@example.com")
    assert len([path for path, _, _ in asked if path.endswith("delete")]) == 2


def test_a_backfill_that_was_killed_holds_up_nobody_for_long(deletions, redis):
    timeseries_buffer.record_backfill(redis, "killed", now=time.time() - timeseries_buffer.BACKFILL_SECONDS - 1)
    erase("a@example.com")
    assert len(deletions[0]) == 2
