"""Signs of life of a worker (docs/contract/websocket.md section 6), and that no queue starves another."""

import json
import signal
import time

import django_rq
import pytest
from django.conf import settings as django_settings
from redis import Redis

from events.contract.kinds import PRIORITIES
from events.queue import heartbeats, stream
from events.queue.heartbeats import Pulse, key_of
from events.worker import tasks
from tests.events.conftest import event


@pytest.fixture
def pulse(monkeypatch, redis) -> Pulse:
    made = Pulse(worker_id="w-1")
    monkeypatch.setattr(heartbeats, "pulse", made)
    return made


def test_websocket_6_the_key_and_the_channel(pulse, redis):
    with redis.pubsub() as ear:
        ear.subscribe("worker_heartbeat")
        assert ear.get_message(timeout=30)["type"] == "subscribe"
        heartbeats.beat(heartbeats.pulse, publish=True)
        heard = json.loads(ear.get_message(timeout=30)["data"])
    assert heard == json.loads(redis.get("worker:w-1:heartbeat"))
    assert heard.keys() >= {
        "worker_id", "status", "timestamp", "uptime_seconds", "processed_messages", "error_count", "memory_usage"
    }  # fmt: skip
    assert heard["status"] == "idle"
    assert heard["memory_usage"] > 1
    assert 0 < redis.ttl("worker:w-1:heartbeat") <= 90
    assert 0 < redis.ttl(heartbeats.WORKERS) <= 90


def test_what_a_worker_says_of_itself(pulse, settings):
    assert pulse.status == "idle"
    pulse.begin("drain 3")
    pulse.processed_batch(100, 0.5)
    told = pulse.as_json()
    assert (told["status"], told["current_task"], told["processed_messages"]) == ("processing", "drain 3", 100)
    settings.WORKER_STALLED = 5
    pulse.moved = time.monotonic() - 6
    assert pulse.status == "error"
    pulse.end(failed=True)
    assert (pulse.status, pulse.as_json()["error_count"]) == ("idle", 1)


def test_a_farewell(pulse, redis):
    heartbeats.start()
    heartbeats.remove()
    [beat] = heartbeats.heartbeats()
    assert (beat["status"], beat["current_task"]) == ("shutdown", None)


def test_who_is_gone_is_forgotten(pulse, redis):
    heartbeats.beat(heartbeats.pulse, publish=False)
    redis.delete(key_of("w-1"))
    assert heartbeats.heartbeats() == []


# --- Shares ---------------------------------------------------------------------------------------------------------


def note(name: str) -> None:
    with Redis.from_url(django_settings.REDIS_URL) as redis:
        redis.rpush("noted", name)


@pytest.fixture
def _keep_signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_keep_signals", "pulse")
def test_low_and_medium_jobs_get_their_share_of_a_flood(redis, monkeypatch):
    for number in range(40):
        django_rq.get_queue("high").enqueue(note, f"high {number}")
    for name in ("medium", "low"):
        django_rq.get_queue(name).enqueue(note, name)
    queues = [django_rq.get_queue(name) for name in PRIORITIES]
    tasks.Worker(queues, connection=redis).work(burst=True, logging_level="WARNING")
    order = [name.decode() for name in redis.lrange("noted", 0, -1)]
    assert len(order) == 42
    assert order[0] == "high 0"
    assert order.index("medium") < 4
    assert order.index("low") < 4


def test_low_events_are_in_every_batch_of_a_flood(event_pipeline):
    event_pipeline.append(event("something_low"))
    for _ in range(50):
        event_pipeline.append(event("help"))
    lease = event_pipeline.lease()
    read = [entry.priority for entry in lease.read(count=10)]
    assert read.count("high") == 10
    assert read.count("low") == 1


def test_a_flooded_shard_gives_way(event_pipeline, monkeypatch):
    monkeypatch.setattr(tasks, "MAX_TURN", 0.0)
    monkeypatch.setattr(tasks.BatchSizer, "learn", lambda *_, **__: None)
    monkeypatch.setattr(tasks, "batch_sizer_of", lambda shard: tasks.BatchSizer(1))
    for _ in range(20):
        event_pipeline.append(event())
    django_rq.get_queue("low").enqueue(note, "low")
    lease = event_pipeline.lease()
    lease.release()
    tasks.drain(lease.shard)
    left = sum(waiting.entries for waiting in stream.waiting(event_pipeline.redis))
    assert 0 < left < 20
    assert django_rq.get_queue("low").count == 2  # the one that waited, and behind it the rest of this shard
