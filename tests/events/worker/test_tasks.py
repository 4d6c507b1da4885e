"""Draining, waking and sweeping, as the worker calls them."""

import threading
import time
from datetime import UTC, datetime, timedelta

import django_rq
import pytest
from django.db import OperationalError

from events.models import CellExecution, HelpRequest
from events.processing import pipeline
from events.queue import jobs, stream
from events.worker import tasks
from lms.models import Session, Student
from tests.events.conftest import event


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 0.0)


def shard_of_hanako(event_pipeline) -> int:
    lease = event_pipeline.lease()
    lease.release()
    return lease.shard


def test_drain_empties_the_shard_and_gives_the_lease_back(event_pipeline):
    event_pipeline.append(event(), event("help"))
    shard = shard_of_hanako(event_pipeline)
    tasks.drain(shard)
    assert CellExecution.objects.count() == 1
    assert stream.Lease(event_pipeline.redis, shard).take()


def test_second_drain_of_a_shard_leaves_at_once(event_pipeline, monkeypatch):
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 60)
    lease = event_pipeline.lease()
    event_pipeline.append(event())
    started = time.monotonic()
    tasks.drain(lease.shard)
    assert time.monotonic() - started < 15
    assert not CellExecution.objects.exists()
    assert lease.renew()


def test_drain_whose_time_is_up_queues_the_next_and_only_one(event_pipeline, monkeypatch):
    """Under load every drain gives way: a job more each time would fill the queue all day."""
    shard = shard_of_hanako(event_pipeline)
    event_pipeline.redis.flushall()
    monkeypatch.setattr(tasks, "DRAIN_SECONDS", -1)
    monkeypatch.setattr(pipeline, "process_batch", lambda entries, *, lease: len(entries))  # it stays unfinished
    event_pipeline.append(event())
    tasks.drain(shard)
    assert django_rq.get_queue("low").count == 1
    event_pipeline.append(event())
    assert stream.stranded_shards(event_pipeline.redis) == [], "somebody is on the way"
    assert stream.Lease(event_pipeline.redis, shard).take()


def test_drain_whose_time_is_up_leaves_nobody_to_an_empty_shard(event_pipeline, monkeypatch):
    monkeypatch.setattr(tasks, "DRAIN_SECONDS", -1)
    shard = shard_of_hanako(event_pipeline)
    tasks.drain(shard)
    assert not any(django_rq.get_queue(name).count for name in tasks.PRIORITIES)
    assert stream.Lease(event_pipeline.redis, shard).take()


def test_waiting_jobs_get_their_turn_although_events_keep_coming(event_pipeline, monkeypatch):
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 60)
    django_rq.get_queue("high").enqueue("events.worker.tasks.expire_silent")
    started = time.monotonic()
    tasks.drain(shard_of_hanako(event_pipeline))
    assert time.monotonic() - started < 15


def test_drain_waits_for_the_database_and_loses_nothing(event_pipeline, monkeypatch):
    process_batch, failures = pipeline.process_batch, []

    def away_twice(entries, *, lease):
        if len(failures) < 2:
            failures.append(entries)
            raise OperationalError("the server closed the connection")
        return process_batch(entries, lease=lease)

    monkeypatch.setattr(pipeline, "process_batch", away_twice)
    monkeypatch.setattr(tasks.connection, "close", lambda: None)
    event_pipeline.append(event(), event())
    tasks.drain(shard_of_hanako(event_pipeline))
    assert len(failures) == 2
    assert CellExecution.objects.count() == 2


def test_lost_drain_is_enqueued_again(event_pipeline):
    event_pipeline.append(event())
    shard = shard_of_hanako(event_pipeline)
    event_pipeline.redis.delete(f"events:{{{shard}}}:wake")
    jobs.requeue_stranded_shards()
    assert django_rq.get_queue("high").count == 1
    jobs.requeue_stranded_shards()
    assert django_rq.get_queue("high").count == 1, "once is enough"


def test_sweep_ends_what_only_silence_ends(event_pipeline):
    event_pipeline.post(event("help"), event("help"))
    HelpRequest.objects.update(last_heard_at=datetime.now(UTC) - timedelta(minutes=6))
    Session.objects.update(last_event_at=datetime.now(UTC) - timedelta(hours=13))
    tasks.expire_idle()
    assert not Student.objects.get().is_requesting_help
    session = Session.objects.get()
    assert (session.is_active, session.end_time) == (False, session.last_event_at)


def test_sweep_does_not_take_our_own_delay_for_silence(event_pipeline):
    event_pipeline.post(event("help"))
    HelpRequest.objects.update(last_heard_at=datetime.now(UTC) - timedelta(minutes=6))
    old = int((time.time() - 60) * 1000)
    event_pipeline.redis.xadd(stream.stream_key(0, "high"), {"b": b"[]"}, id=f"{old}-0")
    event_pipeline.redis.sadd(stream.SHARDS_KEY, 0)
    tasks.expire_idle()
    assert Student.objects.get().is_requesting_help


def test_appetite_grows_with_the_backlog_within_what_a_batch_may_hold():
    appetite = tasks.BatchSizer()
    for _ in range(10):
        full = [stream.StreamEntry("high", "1-0", b"x" * 1000)] * appetite.count
        appetite.learn(full, events=len(full))
    assert appetite.count == tasks.MAX_EVENTS
    appetite.learn([stream.StreamEntry("high", "1-0", b"x" * 1000)], events=1)
    assert appetite.count == 16
    for _ in range(20):
        appetite.learn([stream.StreamEntry("high", "1-0", b"x" * 4_000_000)] * appetite.count, events=appetite.count)
    assert appetite.count <= 2


@pytest.mark.parametrize(
    ("events", "seconds", "pause"),
    [
        (1, 60, tasks.MAX_BATCH_INTERVAL),  # after a silence
        (32, 0.1, 0.25),  # 320 a second: 80 of them come in a quarter of one
        (50, 0.1, 0.16),
        (100, 0.1, tasks.MIN_BATCH_INTERVAL),
        (2_000, 0.1, tasks.MIN_BATCH_INTERVAL),
        (0, 0.1, tasks.MAX_BATCH_INTERVAL),  # a batch that came to nothing
    ],
)
def test_a_drain_pauses_until_a_batch_is_worth_it(events, seconds, pause):
    assert tasks.batch_interval(events, seconds=seconds) == pytest.approx(pause)


def test_stopping_worker_ends_its_drain(event_pipeline, monkeypatch):
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 60)
    threading.Timer(0.3, lambda: setattr(tasks.Worker, "is_stopping", True)).start()
    try:
        started = time.monotonic()
        tasks.drain(shard_of_hanako(event_pipeline))
        assert time.monotonic() - started < 15
    finally:
        tasks.Worker.is_stopping = False
