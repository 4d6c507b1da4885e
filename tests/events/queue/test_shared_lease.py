"""One drain for all shards while few events come: who holds which lease, and that nothing is left without a holder."""

import asyncio
import threading
from collections.abc import Iterator

import django_rq
import pytest
from redis import Redis

from events.models import CellExecution
from events.queue import appending, jobs, stream
from events.queue.appending import OutgoingEntry
from events.queue.shared_lease import HOST_KEY, SharedLease
from events.queue.stream import Lease
from events.worker import tasks
from tests.events.conftest import event

SHARDS = 3


@pytest.fixture(autouse=True)
def three_shards(settings):
    settings.EVENT_SHARDS = SHARDS


@pytest.fixture
def link(redis) -> Iterator[Redis]:
    made = stream.connect()
    yield made
    made.close()


async def _append(entries: list[OutgoingEntry]) -> dict[int, appending.Backlog]:
    redis = stream.connect_async()
    try:
        return await appending.append(redis, entries)
    finally:
        await redis.aclose()


def append(*shards: int) -> list[int]:
    """Append an entry to each shard, in one round trip. Return the shards for which a drain must be enqueued."""
    backlogs = asyncio.run(_append([OutgoingEntry(shard, "high", f"[{shard}]".encode()) for shard in shards]))
    return [shard for shard, backlog in backlogs.items() if backlog.needs_drain]


def host(link: Redis, *, is_open: bool = True) -> SharedLease:
    made = SharedLease.of(link, 0)
    assert made.take()
    assert made.renew(is_open=is_open)
    return made


def held(lease: SharedLease) -> list[int]:
    return sorted(each.shard for each in lease.leases)


def test_an_append_to_several_shards_is_one_step_and_wakes_those_without_a_drain(link):
    assert Lease(link, 1).take()
    assert append(0, 1, 2, 2) == [0, 2]
    assert [link.xlen(stream.stream_key(shard, "high")) for shard in range(SHARDS)] == [1, 1, 2]
    assert [int(link.get(f"events:{{{shard}}}:bytes")) for shard in range(SHARDS)] == [3, 3, 6]
    assert stream.shards(link) == [0, 1, 2]


def test_an_open_host_takes_the_shards_that_nobody_holds(link):
    assert append(1) == [1]
    drain = Lease(link, 2)
    assert drain.take()
    assert held(host(link)) == [0, 1]
    assert append(1) == [], "who holds the shard reads it"
    assert not Lease(link, 1).take()
    assert drain.renew(), "who has a lease keeps it"


def test_a_closed_host_takes_nothing(link):
    assert held(host(link, is_open=False)) == [0]
    assert append(1) == [1]


def test_a_drain_passes_its_lease_to_an_open_host_and_only_to_it(link):
    guest = SharedLease.of(link, 1)
    assert guest.take()
    assert not guest.join_host(), "there is no host"
    closed = host(link, is_open=False)
    assert not guest.join_host()
    assert closed.renew(is_open=True)
    append(1)
    assert guest.join_host()
    guest.release()
    assert not guest.renew(is_open=True), "it has passed the lease and may not read any more"
    assert closed.renew(is_open=False)
    assert held(closed) == [0, 1, 2]
    assert [(entry.shard, entry.packed) for entry in closed.read(count=10)] == [(1, b"[1]")]


def test_a_host_reads_what_a_guest_left_unfinished(link):
    guest = SharedLease.of(link, 1)
    append(1, 1)
    assert guest.take()
    assert len(guest.read(count=1)) == 1  # not acknowledged
    hosting = host(link)
    assert guest.join_host()
    assert hosting.renew(is_open=True)
    assert len(hosting.read(count=10)) == 2


def test_shards_that_were_left_and_passed_again_are_read_from_their_first_entry(link):
    hosting = host(link)
    append(1)
    assert len(hosting.read(count=10)) == 1
    assert hosting.leave_guests() == [1]
    guest = SharedLease.of(link, 1)
    assert guest.take()
    assert guest.join_host()
    assert hosting.renew(is_open=True)
    assert len(hosting.read(count=10)) == 1


def test_a_host_that_gives_back_its_leases_leaves_no_shard_behind(link):
    hosting = host(link)
    guest = SharedLease.of(link, 2)
    assert hosting.leave_guests() == []
    assert guest.take()
    assert guest.join_host()  # the host has not renewed since, and knows nothing of it
    append(0, 2)
    assert not hosting.finish()
    assert hosting.hand_over() == [0, 2]
    assert not link.exists(HOST_KEY, *(f"events:{{{shard}}}:lease" for shard in range(SHARDS)))
    assert append(2) == [], "a drain is enqueued"


def test_a_host_finishes_when_all_its_shards_are_empty(link):
    hosting = host(link)
    append(2)
    assert not hosting.finish()
    hosting.acknowledge(hosting.read(count=10))
    assert [int(link.get(f"events:{{{shard}}}:bytes") or 0) for shard in range(SHARDS)] == [0, 0, 0]
    assert hosting.finish()
    assert append(0, 2) == [0, 2]


def test_a_host_that_dies_is_followed_as_soon_as_its_leases_expire(link):
    host(link)
    append(0, 1)
    assert stream.stranded_shards(link) == []
    link.delete(*(f"events:{{{shard}}}:lease" for shard in range(SHARDS)))  # they expire
    assert stream.stranded_shards(link) == [0, 1]


def test_a_host_that_breaks_off_wakes_nobody_so_that_its_shards_are_found(link):
    hosting = host(link)
    append(1)
    hosting.release()
    assert stream.stranded_shards(link) == [1]


def test_a_host_that_lost_its_own_shard_stops_and_keeps_nothing(link):
    hosting = host(link)
    append(1)
    link.set("events:{0}:lease", "of another")
    assert not hosting.renew(is_open=True)
    hosting.release()
    assert link.get("events:{0}:lease") == b"of another"
    assert stream.stranded_shards(link) == [1]


def students_of_all_shards() -> list[str]:
    return [f"student{number}@example.com" for number in range(12)]


def test_drains_of_a_quiet_class_become_one_and_store_everything(event_pipeline, monkeypatch):
    """Two workers, each with a drain: the second passes its shard to the first, which stores events of both at once."""
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 1.0)
    seen: list[set[int]] = []
    process_batch = tasks.pipeline.process_batch

    def watched(entries, *, lease):
        seen.append({entry.shard for entry in entries})
        return process_batch(entries, lease=lease)

    monkeypatch.setattr(tasks.pipeline, "process_batch", watched)
    other = SharedLease.of(event_pipeline.redis, 2)
    assert other.take()
    event_pipeline.append(*(event(emailAddress=email) for email in students_of_all_shards()))
    passing = threading.Timer(0.3, other.join_host)
    passing.start()
    tasks.drain(0)
    passing.join()
    assert seen == [{0, 1}, {2}]
    assert CellExecution.objects.count() == 12
    assert not any(event_pipeline.redis.xlen(stream.stream_key(shard, "high")) for shard in range(SHARDS))
    assert not event_pipeline.redis.exists(HOST_KEY, *(f"events:{{{shard}}}:lease" for shard in range(SHARDS)))


def test_a_host_under_load_gives_the_other_shards_to_drains_of_their_own(event_pipeline, monkeypatch):
    monkeypatch.setattr(tasks, "SHARED_EVENTS", 3)
    monkeypatch.setattr(tasks, "CALM_EVENTS", 2)
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 0.5)
    tasks.batch_sizer_of.cache_clear()
    process_batch = tasks.pipeline.process_batch

    def with_more(entries, *, lease):
        number = process_batch(entries, lease=lease)
        if number == 12:
            event_pipeline.append(*(event(emailAddress=email) for email in students_of_all_shards()))
        return number

    monkeypatch.setattr(tasks.pipeline, "process_batch", with_more)
    event_pipeline.append(*(event(emailAddress=email) for email in students_of_all_shards()))
    tasks.drain(0)
    queue = django_rq.get_queue("high")
    shards = {queue.fetch_job(job).args[0] for job in queue.get_job_ids()}
    assert shards == {1, 2}
    assert stream.stranded_shards(event_pipeline.redis) == [], "somebody is on the way"
    for shard in shards:
        tasks.drain(shard)
    tasks.drain(0)
    assert CellExecution.objects.count() == 24
    jobs.requeue_stranded_shards()
    assert not any(event_pipeline.redis.xlen(stream.stream_key(shard, "high")) for shard in range(SHARDS))
    tasks.batch_sizer_of.cache_clear()
