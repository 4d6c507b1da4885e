"""Two drains never work on one shard at once, and no event is left without somebody on the way to it, whatever comes
between which two commands. Real Valkey and PostgreSQL; every interleaving, one after the other."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import django_rq
import pytest
import redis as redis_client
from django.db import connection, transaction
from redis.client import Pipeline

from events.contract import schema
from events.intake import app as intake_app
from events.models import CellExecution
from events.processing import pipeline, store
from events.queue import appending, jobs, stream
from events.queue.enqueue import outgoing_entries
from events.queue.shared_lease import HOST_KEY
from events.queue.stream import Lease
from events.worker import tasks
from tests.events.conftest import event

SHARD = 0
MAX_COMMANDS = 60  # of one drain


@pytest.fixture(autouse=True, params=[1, 2], ids=["one shard", "host of two shards"])
def shards(request, monkeypatch, settings) -> range:
    """One shard; or two, of which the drain of the first is the host of the other."""
    settings.EVENT_SHARDS = request.param
    monkeypatch.setattr(tasks, "IDLE_TIMEOUT", 0.0)
    monkeypatch.setattr(tasks, "POLL_INTERVAL", 0.01)
    return range(request.param)


def address_in(shard: int, shards: range) -> str:
    names = (f"student{number}@example.com" for number in range(1000))
    return next(name for name in names if schema.shard_of(name, len(shards)) == shard)


def append(shards: range) -> list[str]:
    """What a POST with an event for each shard does, the wake included. Returns the events' ids."""
    records = [event(emailAddress=address_in(shard, shards)) for shard in shards]
    made = intake_app.admit_body(schema.msgspec.json.encode(records), class_id=None).events

    async def send() -> dict[int, appending.Backlog]:
        redis = stream.connect_async()
        try:
            return await appending.append(redis, outgoing_entries(made))
        finally:
            await redis.aclose()

    with ThreadPoolExecutor(1) as pool:
        backlog = pool.submit(asyncio.run, send()).result()
    for shard, state in backlog.items():
        if state.needs_drain:
            jobs.enqueue_drain(shard)
    return [one.event_id for one in made]


def take_jobs(shards: range) -> None:
    """Workers have them: whoever comes later cannot count on them."""
    for _ in shards:
        assert django_rq.get_queue("high").pop_job_id()


def keys(shards: range, *names: str) -> list[str]:
    return [f"events:{{{shard}}}:{name}" for shard in shards for name in names]


def work_off() -> None:
    """What a worker does with the drains that are queued."""
    for name in tasks.PRIORITIES:
        queue = django_rq.get_queue(name)
        while queue.count:
            [shard] = queue.fetch_job(queue.pop_job_id()).args
            tasks.drain(shard)


class Between:
    """Does something just before the n-th command that a drain sends on its own connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, intrude: Any) -> None:
        self.number, self.intrude, self.seen, self.is_done = number, intrude, 0, False
        self.busy = threading.Lock()
        for kind, name in ((redis_client.Redis, "execute_command"), (Pipeline, "execute")):
            monkeypatch.setattr(kind, name, self.wrapped(getattr(kind, name)))

    def wrapped(self, original: Any) -> Any:
        def command(link: Any, *args: Any, **options: Any) -> Any:
            is_plain = not (isinstance(link, Pipeline) and original.__name__ == "execute_command")
            if is_plain and not self.is_done and self.busy.acquire(blocking=False):
                try:
                    self.seen += 1
                    if self.seen > self.number:
                        self.is_done = True
                        self.intrude()
                finally:
                    self.busy.release()
            return original(link, *args, **options)

        return command


def test_no_append_between_any_two_commands_is_forgotten(redis, transactional_db, monkeypatch, shards):
    """The flag is cleared before the first read, and the lease given back only over an empty stream."""
    for number in range(MAX_COMMANDS):
        redis.flushall()
        ids = append(shards)
        take_jobs(shards)
        with monkeypatch.context() as patch:
            between = Between(patch, number, lambda: ids.extend(append(shards)))  # noqa: B023 - called within the turn
            tasks.drain(SHARD)
        work_off()
        assert set(ids) <= set(CellExecution.objects.values_list("event_id", flat=True)), f"before command {number}"
        assert not any(redis.xlen(key) for key in keys(shards, *tasks.PRIORITIES))
        assert not redis.exists(*keys(shards, "wake", "lease"), HOST_KEY)
        if not between.is_done:
            break
    assert 5 < number < MAX_COMMANDS - 1


def test_a_drain_that_breaks_off_at_any_command_loses_nothing(redis, transactional_db, monkeypatch, shards):
    def break_off() -> None:
        raise redis_client.ConnectionError("gone")

    for number in range(MAX_COMMANDS):
        redis.flushall()
        wanted = append(shards)
        take_jobs(shards)
        with monkeypatch.context() as patch:
            between = Between(patch, number, break_off)
            with suppress(redis_client.RedisError, OSError):
                tasks.drain(SHARD)
        redis.delete(*keys(shards, "wake", "lease"), HOST_KEY)  # they expire
        jobs.requeue_stranded_shards()
        work_off()
        assert CellExecution.objects.filter(event_id__in=wanted).count() == len(shards), f"before command {number}"
        assert not any(int(held or 0) for held in redis.mget(keys(shards, "bytes")))
        if not between.is_done:
            break
    assert 5 < number < MAX_COMMANDS - 1


def test_of_many_that_reach_for_the_lease_one_gets_it(redis):
    for _ in range(20):
        start, links = threading.Barrier(6), [stream.connect() for _ in range(6)]

        def reach(link: Any, start: threading.Barrier = start) -> bool:
            start.wait(60)
            return Lease(link, SHARD).take()

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(reach, links)) == 1
        for link in links:
            link.close()
        redis.flushall()


def test_who_lost_the_lease_waits_in_postgresql_for_who_has_it(redis, transactional_db, shards):
    """A drain that slept through its lease: its transaction and its successor's come one after the other."""
    append(shards)
    lease = Lease(redis, SHARD)
    assert lease.take()
    origins = pipeline.decode(lease.read(count=10))
    order: list[str] = []
    inside = threading.Event()

    def late() -> None:
        try:
            inside.wait(60)
            pipeline.save(origins, shards=[SHARD])
            order.append("late")
        finally:
            connection.close()

    def elsewhere() -> None:
        try:
            inside.wait(60)
            with transaction.atomic():
                store.lock_shard(SHARD + 1)
            order.append("elsewhere")
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for work in (late, elsewhere)]
    for thread in threads:
        thread.start()
    with transaction.atomic():
        store.lock_shard(SHARD)
        inside.set()
        threads[1].join(60)
        threads[0].join(0.3)
        order.append("holder")
    for thread in threads:
        thread.join(60)
    assert order == ["elsewhere", "holder", "late"]
    assert CellExecution.objects.count() == 1
