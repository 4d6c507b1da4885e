"""Heartbeats of the workers (docs/contract/websocket.md section 6).

The main thread of a worker records its work in `pulse`, and a second thread writes that to Redis. If the main thread
has a task and made no progress for WORKER_STALLED seconds, the status is `error`. A stopped process writes nothing. In
both cases the supervisor replaces the worker.

Keys, which expire:

    worker:<id>:heartbeat   JSON         the last heartbeat; LIFETIME
    workers                 sorted set   worker ids, by the time at which their heartbeat is too old

Channel `worker_heartbeat`: the same JSON, every 30 s and whenever the status changes.
"""

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from core.redis import short_timeout_client
from events.contract.kinds import PRIORITIES
from realtime.messages import timestamp

logger = logging.getLogger(__name__)

CHANNEL, WORKERS = "worker_heartbeat", "workers"
HOST = socket.gethostname()
LIFETIME, PUBLISHED = 90, 30.0  # seconds
BEAT_INTERVAL = 1.0  # seconds between two writes
STATES = ("idle", "processing", "error", "shutdown")


@dataclass(slots=True)
class Pulse:
    """The work of this process. Written by its main thread, read by the heartbeat thread."""

    worker_id: str = field(default_factory=lambda: f"{HOST}-{os.getpid()}-{secrets.token_hex(2)}")
    started: float = field(default_factory=time.time)
    task: str | None = None
    moved: float = field(default_factory=time.monotonic)
    events: int = 0
    batches: int = 0
    failed: int = 0
    seconds: float = 0.0  # in batches
    has_ended: bool = False

    def begin(self, task: str) -> None:
        self.task, self.moved = task, time.monotonic()

    def move(self) -> None:
        self.moved = time.monotonic()

    def processed_batch(self, events: int, seconds: float) -> None:
        self.events, self.batches, self.seconds = self.events + events, self.batches + 1, self.seconds + seconds
        self.move()

    def end(self, *, failed: bool = False) -> None:
        self.task, self.failed, self.moved = None, self.failed + failed, time.monotonic()

    @property
    def status(self) -> str:
        if self.has_ended:
            return "shutdown"
        if self.task is None:
            return "idle"
        return "error" if time.monotonic() - self.moved > settings.WORKER_STALLED else "processing"

    def as_json(self) -> dict[str, Any]:
        import psutil  # by workers alone; a web process reads heartbeats

        return {
            "worker_id": self.worker_id,
            "status": self.status,
            "timestamp": timestamp(),
            "uptime_seconds": round(time.time() - self.started),
            "processed_messages": self.events,
            "error_count": self.failed,
            "memory_usage": round(psutil.Process().memory_info().rss / 2**20, 1),  # MiB
            "pid": os.getpid(),
            "host": HOST,
            "queues": list(PRIORITIES),
            "tasks_processed": self.batches,
            "tasks_failed": self.failed,
            "avg_processing_time": round(self.seconds / self.batches, 4) if self.batches else None,
            "current_task": self.task,
        }


pulse = Pulse()
_publish_lock = threading.Lock()


# --- Writing ----------------------------------------------------------------------------------------------------------


def start() -> None:
    """Publish this process's heartbeats from now on, until `remove`."""
    pulse.has_ended = False
    threading.Thread(target=_beat_forever, args=[pulse], name="heartbeat", daemon=True).start()


def _beat_forever(state: Pulse) -> None:
    published_status, published_at = "", 0.0
    while True:
        status, now = state.status, time.monotonic()
        is_news = status != published_status or now - published_at >= PUBLISHED
        try:
            with _publish_lock:
                if state.has_ended:  # `shutdown` stays the last status
                    return
                beat(state, publish=is_news)
        except (RedisError, OSError):
            pass  # the next heartbeat follows in a second
        except Exception:
            # Continue: a worker without heartbeats would be replaced.
            logger.exception("A heartbeat failed")
        else:
            published_status, published_at = (status, now) if is_news else (published_status, published_at)
        time.sleep(BEAT_INTERVAL)


def beat(state: Pulse, *, publish: bool) -> None:
    """Write a heartbeat, in one round trip. Raises RedisError, OSError."""
    payload = msgspec.json.encode(state.as_json())
    with _redis().pipeline(transaction=False) as pipe:
        pipe.set(key_of(state.worker_id), payload, ex=LIFETIME)
        pipe.zadd(WORKERS, {state.worker_id: time.time() + LIFETIME})
        pipe.zremrangebyscore(WORKERS, "-inf", time.time())
        pipe.expire(WORKERS, LIFETIME)
        if publish:
            pipe.publish(CHANNEL, payload)
        pipe.execute()


def remove() -> None:
    with _publish_lock, contextlib.suppress(RedisError, OSError):
        pulse.end()
        pulse.has_ended = True
        beat(pulse, publish=True)


def key_of(worker_id: str) -> str:
    return f"worker:{worker_id}:heartbeat"


# --- Reading ----------------------------------------------------------------------------------------------------------


def heartbeats() -> list[dict[str, Any]]:
    """Return the last heartbeat of each worker, including ended workers until it expires. Two round trips."""
    names: Sequence[Any] = _redis().zrangebyscore(WORKERS, time.time(), "inf")
    payload: Any = _redis().mget([key_of(name.decode()) for name in names]) if names else []
    return [msgspec.json.decode(entry) for entry in payload if entry]


@cache
def _redis() -> Redis:
    return short_timeout_client(timeout=2)
