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
        appetite.learn(full, events=len(full), is_full=True)
    assert appetite.count == tasks.MAX_EVENTS
    appetite.learn([stream.StreamEntry("high", "1-0", b"x" * 1000)], events=1, is_full=False)
    assert appetite.count == 16
    for _ in range(20):
        full = [stream.StreamEntry("high", "1-0", b"x" * 4_000_000)] * appetite.count
        appetite.learn(full, events=len(full), is_full=True)
    assert appetite.count <= 2


def test_first_event_after_a_quiet_moment_does_not_wait_and_the_next_share_a_batch(event_pipeline, monkeypatch):
    """A drain that has begun a batch less than BATCH_INTERVAL ago waits, and whatever comes meanwhile is one batch."""
    monkeypatch.setattr(tasks, "BATCH_INTERVAL", 1.0)
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 3.0)
    process_batch, batches = pipeline.process_batch, []

    def watched(entries, *, lease):
        batches.append((time.monotonic(), len(entries)))
        number = process_batch(entries, lease=lease)
        if len(batches) == 1:
            for _ in range(3):
                event_pipeline.append(event())
        return number

    monkeypatch.setattr(pipeline, "process_batch", watched)
    event_pipeline.append(event())
    started = time.monotonic()
    tasks.drain(shard_of_hanako(event_pipeline))
    (first, one), (second, rest) = batches
    assert (one, rest) == (1, 3)
    assert first - started < 1
    assert second - first >= 0.99


def test_drain_that_carried_much_does_not_pause_while_other_shards_wait(event_pipeline, monkeypatch):
    """One worker with twelve full shards paused after each: it stored 3,000 events a second, with a tenth of a core."""
    monkeypatch.setattr(tasks, "BATCH_INTERVAL", 60.0)
    monkeypatch.setattr(tasks, "POLL_INTERVAL", 10.0)
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 60)
    django_rq.get_queue("high").enqueue("events.worker.tasks.drain", 99)
    shard = shard_of_hanako(event_pipeline)
    monkeypatch.setattr(tasks, "batch_sizer_of", lambda shard: tasks.BatchSizer(count=1_000))
    for _ in range(3):
        event_pipeline.append(*(event() for _ in range(100)))
    started = time.monotonic()
    tasks.drain(shard)
    assert time.monotonic() - started < 30
    assert CellExecution.objects.count() == 300


def test_stopping_worker_ends_its_drain(event_pipeline, monkeypatch):
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 60)
    threading.Timer(0.3, lambda: setattr(tasks.Worker, "is_stopping", True)).start()
    try:
        started = time.monotonic()
        tasks.drain(shard_of_hanako(event_pipeline))
        assert time.monotonic() - started < 15
    finally:
        tasks.Worker.is_stopping = False
