"""docs/contract/http.md section 6, row by row: what programs see of the offline queue."""

import gzip
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from events.models import CellExecution, OfflineQueueEntry, StudentEvent
from events.offline import sync as offline_sync
from events.queue import jobs
from events.worker import tasks
from instructors import tokens
from instructors.models import AuditLog, Instructor
from lms.class_keys import create_key
from lms.models import Class, Student, StudentClass
from tests.events.conftest import event

STATE = {
    "is_online": True,
    "sync_in_progress": False,
    "total_queued_events": 0,
    "failed_events": 0,
    "priority_breakdown": {"1": 0, "2": 0, "3": 0},
    "queue_capacity_used": 0.0,
    "last_sync_attempt": None,
    "queue_size": 0,
    "network_status": "online",
    "last_sync_time": None,
}


def call(method: str, path: str, body: object = None, *, by: Instructor | None = None, **headers: str):
    if by:
        headers["Authorization"] = f"Bearer {tokens.issue(by, now=datetime.now(UTC))}"
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Client().generic(method, f"/api/v1{path}", data, content_type="application/json", headers=headers)


def queue(*records: object, status: int = 202, path: str = "/offline/queue", **fields: object):
    answer = call("POST", path, {"events": list(records), **fields})
    assert answer.status_code == status, answer.content
    return answer.json()


def force_sync() -> dict:
    answer = call("POST", "/offline/sync", {"force_sync": True})
    assert answer.status_code == 200, answer.content
    return answer.json()


# --- POST /offline/queue ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/offline/queue", "/offline/queue/", "/v1/offline/queue", "/v1/offline/queue/"])
def test_queue_sends_events_straight_to_the_workers(event_pipeline, path):
    answer = queue(event(), event("help"), path=path)
    assert answer["message"] == "2 events queued for offline sync"
    assert len({uuid.UUID(text) for text in answer["queued_event_ids"]}) == 2
    assert (answer["successful_count"], answer["failed_count"]) == (2, 0)
    assert "failed_events" not in answer
    assert not OfflineQueueEntry.objects.exists()
    event_pipeline.drain()
    assert (CellExecution.objects.count(), StudentEvent.objects.count()) == (1, 1)


def test_queue_force_queue_waits_for_a_sync(event_pipeline):
    queue(event(), priority=2, force_queue=True)
    tasks.sync_offline()
    event_pipeline.drain()
    assert not CellExecution.objects.exists(), "forced entries wait for somebody to ask"
    entry = OfflineQueueEntry.objects.get()
    assert (entry.status, entry.priority, entry.event_type) == ("queued", 2, "cell_executed")
    assert entry.user_id == "hanako@example.com"
    assert force_sync()["message"] == "Forced sync completed"
    event_pipeline.drain()
    assert CellExecution.objects.count() == 1


def test_queue_takes_gzip(event_pipeline):
    body = gzip.compress(json.dumps({"events": [event()]}).encode())
    assert call("POST", "/offline/queue", body, **{"Content-Encoding": "gzip"}).status_code == 202


BAD = [
    ({"events": []}, 400, "No events provided"),
    ({"events": [{}] * 101}, 413, "Batch size 101 exceeds maximum allowed size of 100"),
    ({"events": [{}], "priority": 0}, 422, ["body", "priority"]),
    ({"events": [{}], "priority": 4}, 422, ["body", "priority"]),
    ({"events": [5]}, 422, ["body", "events", 0]),
    ({"priority": 1}, 422, ["body", "events"]),
    ({"events": {}}, 422, ["body", "events"]),
    (b"not json", 422, ["body"]),
    ([event()], 422, ["body"]),
]


@pytest.mark.parametrize(("body", "status", "expected"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_queue_refuses(redis, db, body, status, expected):
    answer = call("POST", "/offline/queue", body)
    assert answer.status_code == status, answer.content
    detail = answer.json()["detail"]
    assert (detail if status != 422 else detail[0]["loc"]) == expected


def test_queue_is_never_limited(event_pipeline, settings):
    settings.API_CALLS_PER_MINUTE = 1
    assert {call("POST", "/offline/queue", {"events": [event()]}).status_code for _ in range(3)} == {202}


def test_queue_any_object_is_taken_and_what_is_no_event_comes_to_light_at_the_sync(event_pipeline):
    answer = queue({"what": "ever"}, {"eventType": "help"}, event(), force_queue=True)
    assert answer["successful_count"] == 3
    result = force_sync()["sync_result"]
    assert {name: result[name] for name in ("total_events", "successful_syncs", "failed_syncs", "skipped_events")} == {
        "total_events": 3,
        "successful_syncs": 1,
        "failed_syncs": 2,
        "skipped_events": 0,
    }
    assert result["sync_duration_ms"] >= 0
    found = call("GET", "/offline/failed-events").json()
    assert found["failed_events_count"] == 2
    assert {row["event_type"] for row in found["failed_events"]} == {"unknown", "help"}
    assert {row["error"] for row in found["failed_events"]} == {
        "Not an event: missing eventType",
        "Not an event: missing emailAddress",
    }


def test_queue_alike_without_force_for_what_is_no_event(event_pipeline):
    assert queue({"what": "ever"}, event())["successful_count"] == 2
    tasks.sync_offline()
    assert OfflineQueueEntry.objects.get().status == "failed"


def test_queue_overflow_drops_old_entries_of_low_priority_and_else_fails_the_record(event_pipeline):
    now = datetime.now(UTC)
    old = now - timedelta(days=8)
    OfflineQueueEntry.objects.bulk_create(
        [OfflineQueueEntry(event_data={}, is_forced=True) for _ in range(998)]
        + [OfflineQueueEntry(event_data={}, is_forced=True, priority=3, created_at=old)]
        + [OfflineQueueEntry(event_data={}, is_forced=True, priority=3, created_at=now)]
    )
    answer = queue(event(), event(), force_queue=True)
    assert (answer["successful_count"], answer["failed_count"]) == (1, 1)
    [failed] = answer["failed_events"]
    assert failed["event"]["eventType"] == "cell_executed"
    assert "full" in failed["error"]
    assert OfflineQueueEntry.objects.get(created_at=old).status == "cleared"
    assert OfflineQueueEntry.objects.filter(status="queued").count() == 1000


def test_queue_keeps_what_postgresql_cannot_hold_as_well_as_it_can(event_pipeline):
    queue({"eventType": "help", "note": "a\0b", "\ud800": float("nan")}, force_queue=True)
    assert OfflineQueueEntry.objects.get().event_data == {"eventType": "help", "note": "a\ufffdb", "\ufffd": None}


@pytest.fixture
def python_class(db):
    return Class.objects.create(class_code="PY", name="Python")


def test_queue_with_a_class_key_enrols_though_it_waited(event_pipeline, python_class):
    _, key = create_key(python_class)
    queue(event(), force_queue=True, path=f"/offline/queue?key={key}")
    force_sync()
    event_pipeline.drain()
    assert StudentClass.objects.get().class_ref == python_class


def test_queue_checks_a_key_that_is_given(redis, db):
    answer = call("POST", "/offline/queue?key=wrong", {"events": [event()]})
    assert (answer.status_code, answer.json()) == (401, {"detail": "Unknown class key"})


# --- GET /offline/status ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/offline/status", "/offline/status/", "/v1/offline/status"])
def test_status_of_an_empty_queue(redis, db, path):
    answer = call("GET", path).json()
    assert answer.pop("timestamp")
    assert answer == {
        "queue_status": STATE,
        "health": "excellent",
        "recommendations": [],
        "additional_stats": {"queue_health": "excellent", "recommendations": []},
    }


HEALTH = [(1, 0, "good"), (400, 0, "good"), (701, 0, "warning"), (901, 0, "critical"), (0, 51, "warning"),
          (0, 101, "critical"), (0, 50, "excellent")]  # fmt: skip


@pytest.mark.parametrize(("queued", "failed", "health"), HEALTH)
def test_status_health(redis, db, queued, failed, health):
    OfflineQueueEntry.objects.bulk_create(
        [OfflineQueueEntry(event_data={}, priority=3) for _ in range(queued)]
        + [OfflineQueueEntry(event_data={}, status="failed") for _ in range(failed)]
    )
    answer = call("GET", "/offline/status").json()
    state = answer["queue_status"]
    assert answer["health"] == health
    assert (state["total_queued_events"], state["failed_events"]) == (queued, failed)
    assert state["priority_breakdown"] == {"1": 0, "2": 0, "3": queued}
    assert state["queue_capacity_used"] == queued / 1000
    assert bool(answer["recommendations"]) is (queued > 0 or failed > 0)


# --- POST /offline/sync ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/offline/sync", "/offline/sync/", "/v1/offline/sync"])
def test_sync_of_nothing(redis, db, path):
    for body in (None, {}, {"force_sync": True}):
        answer = call("POST", path, body)
        assert (answer.status_code, answer.json()) == (200, {"message": "No events to sync", "queue_status": STATE})


def test_sync_in_background(event_pipeline):
    queue(event(), force_queue=True)
    answer = call("POST", "/offline/sync", {}).json()
    assert answer["message"] == "Sync started in background"
    assert "sync_result" not in answer
    tasks.sync_offline(by_hand=True)  # what the job is
    event_pipeline.drain()
    assert CellExecution.objects.count() == 1


def test_sync_wants_a_boolean(redis, db):
    answer = call("POST", "/offline/sync", {"force_sync": "perhaps"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "force_sync"])


def test_sync_is_remembered(event_pipeline):
    queue(event(), force_queue=True)
    assert force_sync()["queue_status"]["last_sync_attempt"]


# --- DELETE /offline/clear and GET /offline/failed-events ------------------------------------------------------------


def test_clear(redis, db):
    OfflineQueueEntry.objects.create(event_data={})
    OfflineQueueEntry.objects.create(event_data={}, status="failed")
    answer = call("DELETE", "/offline/clear").json()
    assert answer["message"]
    assert (answer["cleared_events"], answer["cleared_failed_events"]) == (1, 1)
    assert answer["queue_status"] == STATE
    assert {entry.status for entry in OfflineQueueEntry.objects.all()} == {"cleared"}, "nothing is lost for good"
    assert AuditLog.objects.get(action="offline_clear").details == {"cleared_events": 1, "cleared_failed_events": 1}


def test_failed_events(redis, db):
    OfflineQueueEntry.objects.create(event_data={"a": 1}, status="failed", user_id="x", retry_count=2, priority=3)
    answer = call("GET", "/offline/failed-events").json()
    [row] = answer["failed_events"]
    assert (answer["failed_events_count"], bool(answer["recommendations"])) == (1, True)
    assert set(row) == {"queue_id", "event_type", "user_id", "created_at", "retry_count", "last_retry_at", "priority",
                        "event_data", "error"}  # fmt: skip
    assert (row["event_data"], row["user_id"], row["retry_count"], row["priority"]) == ({"a": 1}, "x", 2, 3)


def test_failed_events_are_those_of_ones_own_students(redis, python_class, settings):
    settings.API_REQUIRE_AUTH = True
    hanako = Instructor.objects.create(email="h@school.example", name="H", password="!")
    python_class.instructor = hanako
    python_class.save()
    student = Student.objects.create(email="Aoi@example.com")
    StudentClass.objects.create(student=student, class_ref=python_class)
    for user, class_id in (("aoi@EXAMPLE.com", None), ("other", None), (None, python_class.pk), (None, None)):
        OfflineQueueEntry.objects.create(event_data={}, status="failed", user_id=user, class_id=class_id)
    answer = call("GET", "/offline/failed-events", by=hanako).json()
    assert [row["user_id"] for row in answer["failed_events"]] == [None, "aoi@EXAMPLE.com"]
    assert call("DELETE", "/offline/clear", by=hanako).status_code == 403


def test_event_id_makes_a_second_sync_harmless(event_pipeline):
    queue(event(eventId=None), event(), force_queue=True)
    force_sync()
    OfflineQueueEntry.objects.update(status="syncing")  # as if the sync had died after the append
    assert offline_sync.sync(enqueue_drains=jobs.enqueue_drains, by_hand=True, now=datetime.now(UTC)) is not None
    OfflineQueueEntry.objects.update(last_retry_at=None, status="queued")
    force_sync()
    event_pipeline.drain()
    assert CellExecution.objects.count() == 2
