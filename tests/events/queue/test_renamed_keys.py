"""Streams that an older release left under its names are processed by this one. Real Valkey and PostgreSQL."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import django_rq
import pytest

from config import asgi
from events.contract import schema
from events.models import CellExecution
from events.processing import pipeline
from events.queue import appending, jobs, maintenance, renamed_keys, stream
from tests.events.conftest import event

SHARD = 3  # of all events in this module


@pytest.fixture(autouse=True)
def one_shard(settings, monkeypatch):
    settings.EVENT_SHARDS = SHARD + 1
    monkeypatch.setattr(schema, "shard_of", lambda email, shards: SHARD)


def as_older_release(redis) -> None:
    """Give all keys of the streams the names that they had in the older release."""
    for key in redis.keys("events:*"):
        redis.rename(key, key.replace(b"events:", b"river:", 1))


def append(event_pipeline, *ids: str, older: bool = False) -> None:
    """Append a run in an entry of its own for each id."""
    redis = event_pipeline.redis
    if older:  # beside the streams of this release, if there are any
        for key in redis.keys("events:*"):
            redis.rename(key, b"aside:" + key)
        for key in redis.keys("river:*"):
            redis.rename(key, key.replace(b"river:", b"events:", 1))
    for each in ids:
        event_pipeline.append(event(eventId=each))
    if older:
        as_older_release(redis)
        for key in redis.keys("aside:*"):
            redis.rename(key, key.removeprefix(b"aside:"))


def waiting_ids(redis) -> list[str]:
    return [found.event_id for found in maintenance.events(redis)]


def stored_ids() -> list[str]:
    return sorted(CellExecution.objects.values_list("event_id", flat=True))


def bytes_of(redis) -> int:
    return int(redis.get(stream.shard_keys(SHARD, "bytes")[0]) or 0)


def old_keys(redis) -> list[bytes]:
    return redis.keys("river:*")


def test_waiting_entries_keep_their_ids_and_order(event_pipeline):
    append(event_pipeline, "1", "2", "3")
    event_pipeline.append(event("help", eventId="4"))
    redis = event_pipeline.redis
    before, held = list(maintenance.entries(redis)), bytes_of(redis)
    assert len(before) == 4
    as_older_release(redis)
    assert renamed_keys.take_over(redis) == 1
    assert list(maintenance.entries(redis)) == before
    assert bytes_of(redis) == held
    assert stream.shards(redis) == [SHARD]
    assert old_keys(redis) == []
    assert renamed_keys.take_over(redis) == 0
    event_pipeline.drain()
    assert stored_ids() == ["1", "2", "3"]
    assert bytes_of(redis) == 0


def test_all_shards_and_priorities(event_pipeline):
    redis = event_pipeline.redis

    async def send() -> None:
        client = stream.connect_async()
        entries = [
            appending.OutgoingEntry(shard, priority, f"{shard} {priority}".encode())
            for shard in (0, 7, 255)
            for priority in ("high", "medium", "low")
        ]
        await appending.append(client, entries)
        await client.aclose()

    asyncio.run(send())
    before = stream.waiting(redis)
    as_older_release(redis)
    assert renamed_keys.take_over(redis) == 3
    assert stream.waiting(redis) == before
    assert sum(found.entries for found in before) == 9


def test_entries_that_a_drain_stored_and_did_not_acknowledge_are_processed_once_more(event_pipeline):
    append(event_pipeline, "1", "2")
    lease = event_pipeline.lease()
    read = lease.read(count=10)
    pipeline.save(
        pipeline.decode(read[:1]), shards=[SHARD]
    )  # the drain ends here, between the commit and the next step
    as_older_release(event_pipeline.redis)
    renamed_keys.take_over(event_pipeline.redis)
    assert waiting_ids(event_pipeline.redis) == ["1", "2"]
    assert not stream.Lease(event_pipeline.redis, SHARD).take(), "the lease has moved along"
    assert event_pipeline.redis.pttl(stream.shard_keys(SHARD, "lease")[0]) > 0
    lease.release()
    event_pipeline.drain()
    assert stored_ids() == ["1", "2"]


def test_entries_that_wait_for_a_consumer_group_are_read_too(event_pipeline):
    append(event_pipeline, "1", "2")
    redis, key = event_pipeline.redis, stream.stream_key(SHARD, "high")
    redis.xgroup_create(key, "workers", id="0")
    redis.xreadgroup("workers", "dead", {key: ">"}, count=1)
    as_older_release(redis)
    renamed_keys.take_over(redis)
    event_pipeline.drain()
    assert stored_ids() == ["1", "2"]


def test_what_an_older_intake_appends_later_follows_in_its_order(event_pipeline):
    redis = event_pipeline.redis
    append(event_pipeline, "1", "2", older=True)
    renamed_keys.take_over(redis)
    append(event_pipeline, "3")
    append(event_pipeline, "4", "5", older=True)
    assert len(old_keys(redis)) >= 3
    held = sum(int(redis.get(key) or 0) for key in redis.keys("*:bytes"))
    assert renamed_keys.take_over(redis) == 1
    assert waiting_ids(redis) == ["1", "2", "3", "4", "5"]
    assert bytes_of(redis) == held
    assert old_keys(redis) == []
    event_pipeline.drain()
    assert stored_ids() == ["1", "2", "3", "4", "5"]
    assert bytes_of(redis) == 0


def test_a_running_drain_reads_what_is_taken_over_meanwhile(event_pipeline):
    append(event_pipeline, "1")
    lease = event_pipeline.lease()
    pipeline.process_batch(lease.read(count=10), lease=lease)
    append(event_pipeline, "2", older=True)
    renamed_keys.take_over(event_pipeline.redis)
    assert not lease.finish()
    pipeline.process_batch(lease.read(count=10), lease=lease)
    assert stored_ids() == ["1", "2"]
    assert lease.finish()


def test_a_drain_of_the_older_release_loses_its_shard(event_pipeline):
    redis = event_pipeline.redis
    append(event_pipeline, "1", older=True)
    redis.set("river:{3}:lease", "token of the older", px=60_000)
    renamed_keys.take_over(redis)
    assert not redis.exists("river:{3}:lease")
    assert not stream.Lease(redis, SHARD).take()


def test_a_shard_that_drains_of_both_releases_read_is_left_for_later(event_pipeline):
    redis = event_pipeline.redis
    append(event_pipeline, "1", older=True)
    redis.set("river:{3}:lease", "token of the older", px=60_000)
    lease = event_pipeline.lease()
    before = sorted(old_keys(redis))
    assert renamed_keys.take_over(redis) == 0
    assert sorted(old_keys(redis)) == before
    redis.delete("river:{3}:lease")
    assert renamed_keys.take_over(redis) == 1
    lease.release()
    event_pipeline.drain()
    assert stored_ids() == ["1"]


def test_several_processes_may_do_it_at_once(event_pipeline):
    redis = event_pipeline.redis
    ids = [f"{number:03}" for number in range(60)]
    append(event_pipeline, *ids)
    append(event_pipeline, "older", older=True)
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: renamed_keys.take_over(redis), range(8)))
    assert sum(taken) >= 1
    assert waiting_ids(redis) == [*ids, "older"]


def test_a_redis_without_free_memory_is_no_obstacle(event_pipeline):
    """The workers that free memory start after this."""
    redis = event_pipeline.redis
    append(event_pipeline, "1")
    append(event_pipeline, "2", "3", older=True)
    limit = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", 1)
    try:
        assert renamed_keys.take_over(redis) == 1
    finally:
        redis.config_set("maxmemory", limit)
    assert waiting_ids(redis) == ["1", "2", "3"]


def test_the_queued_drain_of_the_older_release_is_not_queued_twice(event_pipeline):
    append(event_pipeline, "1")
    as_older_release(event_pipeline.redis)  # with its `wake`, which says that a job is queued
    jobs.requeue_stranded_shards()
    assert django_rq.get_queue("high").count == 0
    event_pipeline.redis.delete(*stream.shard_keys(SHARD, "wake"))  # it expires if the job was lost
    jobs.requeue_stranded_shards()
    assert django_rq.get_queue("high").count == 1


def test_the_web_process_does_it_before_it_takes_requests(event_pipeline):
    append(event_pipeline, "1", older=True)
    sent: list[str] = []

    async def lifespan() -> None:
        messages = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))

        async def receive() -> dict[str, str]:
            return next(messages)

        async def send(message) -> None:
            if not sent:
                assert old_keys(event_pipeline.redis) == []
            sent.append(message["type"])

        await asgi.handle_lifespan(receive, send)

    asyncio.run(lifespan())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert waiting_ids(event_pipeline.redis) == ["1"]


def test_backups_and_exports_read_them_where_they_are(event_pipeline):
    append(event_pipeline, "2")
    append(event_pipeline, "1", older=True)
    before = sorted(old_keys(event_pipeline.redis))
    assert waiting_ids(event_pipeline.redis) == ["1", "2"]
    assert sorted(old_keys(event_pipeline.redis)) == before


def test_a_person_is_removed_from_them_too(event_pipeline):
    append(event_pipeline, "1", older=True)
    event_pipeline.append(event(eventId="2", emailAddress="ren@example.com"))
    assert maintenance.remove_person(lambda email: email == "hanako@example.com", cut=str, timeout=1) == 1
    assert waiting_ids(event_pipeline.redis) == ["2"]
