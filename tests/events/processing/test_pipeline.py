"""A batch, end to end: idempotency, bad records set aside, a store that is away, the number of statements."""

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from core.postgres import PREPARE_AFTER, fetch_all
from events.models import CellExecution, NotebookAccess, OfflineQueueEntry, StudentEvent
from events.processing import pipeline, store
from events.queue import stream
from lms.models import Student
from tests.events.conftest import event, failing


def rows() -> int:
    return CellExecution.objects.count() + NotebookAccess.objects.count() + StudentEvent.objects.count()


def test_batch_that_comes_again_changes_nothing(event_pipeline):
    sent = [event(), failing(), event("notebook_opened"), event("help"), event("log_entry")]
    event_pipeline.post(*sent)
    event_pipeline.post(*reversed(sent))
    assert rows() == len(sent)
    assert Student.objects.get().execution_count == 2


def test_crash_after_the_commit_costs_one_redelivery_and_nothing_else(event_pipeline):
    event_pipeline.append(event(eventId=None), event("help", eventId=None))
    lease = event_pipeline.lease()
    entries = lease.read(count=10)
    pipeline.save(pipeline.decode(entries), shards=[lease.shard])  # ... and the worker dies before it acknowledges
    lease.release()
    event_pipeline.drain()
    assert rows() == 2


@pytest.mark.parametrize(
    "poison",
    [
        {"executionCount": 2**40},
        {"cellIndex": -(2**70)},
        {"notebookPath": "n" * 5000},
        {"sessionId": "s" * 5000},
        {"eventId": "e" * 5000},
        {"cellType": "t" * 5000},
    ],
    ids=lambda poison: next(iter(poison)),
)
def test_record_that_cannot_be_stored_is_set_aside_and_its_neighbours_go_on(event_pipeline, poison):
    good = [event() for _ in range(6)]
    event_pipeline.append_uncut(*good[:3], event(**poison), *good[3:])
    event_pipeline.drain()
    assert CellExecution.objects.count() == 6
    aside = OfflineQueueEntry.objects.get()
    name, value = next(iter(poison.items()))
    assert aside.event_data[name] == value
    assert aside.error.startswith("EVENT_PROCESSING_")
    assert aside.status == "failed"


def test_setting_aside_twice_leaves_one_row(event_pipeline):
    event_pipeline.append_uncut(event(executionCount=2**40))
    lease = event_pipeline.lease()
    entries = lease.read(count=10)
    for _ in range(2):
        pipeline.save(pipeline.decode(entries), shards=[lease.shard])
    assert OfflineQueueEntry.objects.count() == 1


def test_refused_events_of_one_append_are_all_set_aside(event_pipeline):
    """Redis gives the entries of one append the same id in each stream: here a stream a shard and priority."""
    sent = [
        event(kind, eventId=f"{kind} {number}".ljust(5000, "-"), emailAddress=f"s{number}@x.jp")
        for number in range(8)
        for kind in ("cell_executed", "help", "log_entry")
    ]
    event_pipeline.append_uncut(*sent)
    names = event_pipeline.redis.keys("events:*")
    streams = [name for name in names if event_pipeline.redis.type(name) == b"stream"]
    ids = [entry_id for name in streams for entry_id, _ in event_pipeline.redis.xrange(name)]
    assert len(set(ids)) < len(ids), "the same id in several streams"
    event_pipeline.drain()
    aside = {entry.event_data["eventId"] for entry in OfflineQueueEntry.objects.all()}
    assert aside == {record["eventId"] for record in sent}


def test_entry_that_cannot_be_read_is_set_aside(event_pipeline):
    event_pipeline.append(event())
    event_pipeline.redis.xadd(stream.stream_key(0, "high"), {"b": b"\xc1 not what pack makes"})
    event_pipeline.drain()
    assert CellExecution.objects.count() == 1
    assert "packed" in OfflineQueueEntry.objects.get().event_data


def test_entries_that_cannot_be_read_are_all_set_aside_though_their_ids_are_the_same(event_pipeline):
    for key in (stream.stream_key(0, "high"), stream.stream_key(0, "low"), stream.stream_key(1, "high")):
        event_pipeline.redis.xadd(key, {"b": b"\xc1 " + key.encode()}, id="1-0")
    event_pipeline.drain()
    assert OfflineQueueEntry.objects.count() == 3


def test_database_that_is_away_keeps_the_batch(event_pipeline, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("the server closed the connection")

    event_pipeline.append(event())
    with monkeypatch.context() as patch:
        patch.setattr(store, "save", away)
        lease = event_pipeline.lease()
        with pytest.raises(OperationalError):
            pipeline.process_batch(lease.read(count=10), lease=lease)
        lease.release()
    assert not OfflineQueueEntry.objects.exists()
    event_pipeline.drain()
    assert CellExecution.objects.count() == 1


def test_database_that_takes_no_changes_keeps_the_batch(event_pipeline, monkeypatch):
    """A replica, or a former primary: no event is to blame, and none is set aside."""
    saved = store.save

    def read_only(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        return saved(*args, **kwargs)

    event_pipeline.append(event(), event())
    with monkeypatch.context() as patch:
        patch.setattr(store, "save", read_only)
        lease = event_pipeline.lease()
        with pytest.raises(OperationalError, match="read-only"):
            pipeline.process_batch(lease.read(count=10), lease=lease)
        lease.release()
    assert not OfflineQueueEntry.objects.exists()
    event_pipeline.drain()
    assert CellExecution.objects.count() == 2


def test_the_statements_of_a_batch_are_prepared(event_pipeline):
    uses = "SELECT coalesce(sum(generic_plans + custom_plans), 0) FROM pg_prepared_statements"
    before = fetch_all(uses)
    for _ in range(2 * PREPARE_AFTER + 1):
        event_pipeline.post(event())
    assert fetch_all(uses) > before


def lesson(students: int, events: int) -> list[dict]:
    kinds = ["cell_executed", "notebook_opened", "notebook_saved", "help", "log_entry"]
    return [
        event(
            kinds[index % len(kinds)],
            emailAddress=f"s{index % students}@x.jp",
            teamName=f"チーム{index % students % 9 + 1}",
            sessionId=f"session-{index % students}",
            cellId=f"cell-{index % 20}",
            notebookPath=f"n{index % 3}.ipynb",
            hasError=index % 4 == 0,
        )
        for index in range(events)
    ]


def statements(event_pipeline, records) -> int:
    for start in range(0, len(records), 100):
        event_pipeline.append(*records[start : start + 100])
    entries = []
    leases = []
    for shard in range(settings.EVENT_SHARDS):
        lease = stream.Lease(event_pipeline.redis, shard)
        lease.take()
        leases.append(lease)
        entries += lease.read(count=1000)
    with CaptureQueriesContext(connection) as captured:
        pipeline.process_batch(entries, lease=leases[0])
    for lease in leases:
        lease.acknowledge(entries)
        lease.finish()
    return len(captured)


def test_number_of_statements_does_not_grow_with_the_batch(event_pipeline):
    small = statements(event_pipeline, lesson(students=10, events=20))
    large = statements(event_pipeline, lesson(students=200, events=2000))
    again = statements(event_pipeline, lesson(students=200, events=2000))
    assert large <= small, "everybody and everything new"
    assert again < large, "everybody known"
    assert small <= 45
