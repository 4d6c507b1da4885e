"""What the offline queue does by itself: it outlives a Redis that is away, tries again, and syncs one at a time."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client

from core import advisory_locks
from events.contract import schema
from events.models import CellExecution, OfflineQueueEntry, StudentEvent
from events.offline import queue as offline_queue
from events.offline import sync as offline_sync
from events.offline import undelivered
from events.queue import jobs, stream
from events.worker import tasks
from instructors import tokens
from instructors.models import Instructor
from tests.events.conftest import event
from tests.servers import wait_until


def post(*records: object, **headers: str):
    return Client().post(
        "/api/v1/offline/queue",
        json.dumps({"events": records}).encode(),
        content_type="application/json",
        headers=headers,
    )


def sync(**more: object):
    return offline_sync.sync(enqueue_drains=jobs.enqueue_drains, **{"by_hand": False, "now": datetime.now(UTC), **more})


def entries(count: int = 1, **fields: object) -> None:
    OfflineQueueEntry.objects.bulk_create(
        [OfflineQueueEntry(**{"event_data": event(), **fields}) for _ in range(count)]
    )


def test_whole_system_keeps_and_syncs_what_came_while_redis_was_away(start_live_system):
    system = start_live_system(workers=1)
    api = f"{system.url}/api/v1/offline"
    system.redis.stop()
    answer = httpx.post(f"{api}/queue", json={"events": [event(), event()]})
    assert (answer.status_code, answer.json()["successful_count"]) == (202, 2), answer.text
    state = httpx.get(f"{api}/status").json()["queue_status"]
    assert (state["is_online"], state["network_status"], state["total_queued_events"]) == (False, "offline", 2)
    refused = httpx.post(f"{api}/sync", json={}, timeout=60)
    assert refused.status_code == 500
    assert refused.json()["detail"].startswith("Failed to sync offline events")
    system.redis.start()
    with psycopg.connect(system.database_url, autocommit=True) as database:
        stored = "SELECT count(*) FROM cell_executions"
        wait_until(lambda: database.execute(stored).fetchone()[0] == 2, seconds=90, what=f"sync\n{system.logs()}")
    system.stop()


def test_redis_that_is_away_for_long_fails_them_for_now_only(event_pipeline, monkeypatch):
    entries(60)
    entries(1, is_forced=True)
    with monkeypatch.context() as patch:
        patch.setattr(stream, "is_reachable", lambda: False)
        first = sync()
        assert (first.total, first.failed, first.skipped) == (60, 50, 10), "the first batch tells enough"
    OfflineQueueEntry.objects.update(status="failed", error=offline_sync.UNAVAILABLE, retry_count=5)
    tasks.sync_offline()
    assert OfflineQueueEntry.objects.filter(status="synced").count() == 60
    assert OfflineQueueEntry.objects.get(is_forced=True).status == "failed"
    sync(by_hand=True)
    event_pipeline.drain()
    assert CellExecution.objects.count() == 61


def test_five_tries_and_twice_the_wait_each_time(db, monkeypatch):
    monkeypatch.setattr(stream, "is_reachable", lambda: False)
    entries()
    now, waits = datetime.now(UTC), []
    for _ in range(5):
        sync(now=now)
        entry = OfflineQueueEntry.objects.get()
        if entry.status == "failed":
            break
        wait = next(
            s for s in range(1, 100) if offline_sync.is_due(entry.retry_count, now, now=now + timedelta(seconds=s))
        )
        waits.append(wait)
        assert sync(now=now + timedelta(seconds=wait - 1)).failed == 0, "too early"
        now += timedelta(seconds=wait)
    assert waits == [2, 4, 8, 16]
    assert (entry.status, entry.retry_count, entry.error) == ("failed", 5, offline_sync.UNAVAILABLE)


def test_order_of_priority_then_age(event_pipeline, monkeypatch):
    for index, priority in enumerate((3, 1, 2, 1)):
        entries(priority=priority, event_data=event("log_entry", eventId=str(index)))
    sent = []
    monkeypatch.setattr(offline_sync, "enqueue", lambda events: sent.extend(e.event_id for e in events) or [])
    sync()
    assert sent == ["1", "3", "2", "0"]


@pytest.mark.django_db(transaction=True)
def test_two_syncs_at_once_cannot_run(redis, monkeypatch):
    entries()

    def elsewhere():
        try:
            return sync(), Client().post("/api/v1/offline/sync", b"{}", content_type="application/json").json()
        finally:
            connection.close()

    def meanwhile(events):
        with ThreadPoolExecutor(1) as pool:
            seen.extend(pool.submit(elsewhere).result())
        return []

    seen = []
    monkeypatch.setattr(offline_sync, "enqueue", meanwhile)
    assert sync().successful == 1
    second, answer = seen
    assert second is None
    assert (answer["message"], answer["queue_status"]["sync_in_progress"]) == ("Sync already in progress", True)
    assert sync() is not None, "the lock was given back"


@pytest.mark.django_db(transaction=True)
def test_sync_that_dies_gives_the_lock_back_and_its_entries_too(redis):
    entries(status="syncing")
    dead = psycopg.connect(_url())
    dead.execute("SELECT pg_advisory_lock(%s, %s)", [advisory_locks.OFFLINE_QUEUE, advisory_locks.SYNCING])
    assert sync() is None
    dead.close()
    wait_until(lambda: not undelivered.state().sync_in_progress, what="the end of the dead one's session")
    assert sync().successful == 1


def _url() -> str:
    found = connection.settings_dict
    return f"dbname={found['NAME']} user={found['USER']} host={found['HOST']}"


def test_sync_costs_the_same_for_one_batch_whatever_its_size(event_pipeline, django_assert_num_queries):
    entries(1)
    with django_assert_num_queries(8):
        sync()
    entries(50)
    with django_assert_num_queries(8):
        assert sync().successful == 50


def test_periodic_sync_of_an_empty_queue_costs_one_query(redis, db, django_assert_num_queries):
    with django_assert_num_queries(1):
        tasks.sync_offline()


def test_record_that_the_pipeline_sets_aside_keeps_its_class(event_pipeline):
    event_pipeline.append_uncut(event(executionCount=2**40), class_id=7)
    event_pipeline.drain()
    aside = OfflineQueueEntry.objects.get()
    assert (aside.class_id, aside.status) == (7, "failed")
    aside.event_data["executionCount"] = 4
    offline_sync.deliver([aside], enqueue_drains=jobs.enqueue_drains, now=datetime.now(UTC))
    event_pipeline.drain()
    assert CellExecution.objects.get().execution_count == 4
    assert OfflineQueueEntry.objects.get().status == "synced"


def test_record_that_the_pipeline_refuses_again_is_there_again(event_pipeline, monkeypatch):
    monkeypatch.setattr(schema, "_fit", lambda event, cut: None)
    event_pipeline.post(event(executionCount=2**40))
    [aside] = offline_sync.deliver(
        list(OfflineQueueEntry.objects.all()), enqueue_drains=jobs.enqueue_drains, now=datetime.now(UTC)
    )
    assert aside.status == "synced"
    event_pipeline.drain()
    assert OfflineQueueEntry.objects.filter(status="failed").count() == 1


def test_record_that_an_older_version_refused_is_stored_when_it_is_put_back(event_pipeline):
    event_pipeline.append_uncut(event(sessionId="s" * 5000))
    event_pipeline.drain()
    offline_sync.deliver(
        list(OfflineQueueEntry.objects.all()), enqueue_drains=jobs.enqueue_drains, now=datetime.now(UTC)
    )
    event_pipeline.drain()
    assert CellExecution.objects.count() == 1


def test_instructors_token_is_remembered(event_pipeline):
    teacher = Instructor.objects.create(email="t@school.example", name="T", password="!")
    token = tokens.issue(teacher, now=datetime.now(UTC))
    record = {"eventType": "student_session_start", "instructor_id": teacher.pk}
    body = json.dumps({"events": [record], "force_queue": True}).encode()
    headers = {"Authorization": f"Bearer {token}"}
    Client().post("/api/v1/offline/queue", body, content_type="application/json", headers=headers)
    sync(by_hand=True)
    event_pipeline.drain()
    teacher.refresh_from_db()
    assert (StudentEvent.objects.count(), teacher.status) == (1, "in_session")


def test_events_go_to_the_stream_while_postgresql_is_away(event_pipeline, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(offline_queue, "_store", away)
    answer = post(event(), {"no": "event"})
    assert (answer.status_code, answer.json()["successful_count"], answer.json()["failed_count"]) == (202, 1, 1)
    monkeypatch.setattr(stream, "is_reachable", lambda: False)
    assert post(event()).status_code == 503


def test_sent_at_means_queued_at_where_the_sender_says_nothing(event_pipeline):
    entries(event_data=event("log_entry", eventTime=None), created_at=datetime(2025, 1, 1, tzinfo=UTC))
    sync()
    event_pipeline.drain()
    assert StudentEvent.objects.get().occurred_at == datetime(2025, 1, 1, tzinfo=UTC)
