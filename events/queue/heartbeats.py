"""Signs of life of the workers: what each says of itself, and who reads it (docs/contract/websocket.md section 6).

The main thread of a worker notes what it does in `pulse`; a thread beside it writes that to Redis. A main thread that
holds work and has not moved for WORKER_STALLED seconds is reported as `error`, and a process that is stopped outright
writes nothing any more; the supervisor sees either and replaces the worker.

Keys, which expire:

    worker:<id>:heartbeat   JSON         the last sign of life; LIFETIME
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
import psutil
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
BEAT_INTERVAL = 1.0  # seconds between two looks at the pulse, and two writes
STATES = ("idle", "processing", "error", "shutdown")


@dataclass(slots=True)
class Pulse:
    """What this process does. Written by its main thread, read by the one that tells."""

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

    def carried(self, events: int, seconds: float) -> None:
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
_telling = threading.Lock()


# --- Told -----------------------------------------------------------------------------------------------------------


def start() -> None:
    """Tell of this process from now on, until `farewell`."""
    pulse.has_ended = False
    threading.Thread(target=_beat_forever, args=[pulse], name="heartbeat", daemon=True).start()


def _beat_forever(who: Pulse) -> None:
    said, said_at = "", 0.0
    while True:
        status, now = who.status, time.monotonic()
        is_news = status != said or now - said_at >= PUBLISHED
        try:
            with _telling:
                if who.has_ended:  # the farewell stays the last word
                    return
                beat(who, publish=is_news)
        except (RedisError, OSError):
            pass  # the next one is a second away
        except Exception:
            # A worker whose heartbeat ended would be taken for stuck.
            logger.exception("A heartbeat failed")
        else:
            said, said_at = (status, now) if is_news else (said, said_at)
        time.sleep(BEAT_INTERVAL)


def beat(who: Pulse, *, publish: bool) -> None:
    """One round trip. Raises what Redis raises."""
    told = msgspec.json.encode(who.as_json())
    with _redis().pipeline(transaction=False) as pipe:
        pipe.set(key_of(who.worker_id), told, ex=LIFETIME)
        pipe.zadd(WORKERS, {who.worker_id: time.time() + LIFETIME})
        pipe.zremrangebyscore(WORKERS, "-inf", time.time())
        pipe.expire(WORKERS, LIFETIME)
        if publish:
            pipe.publish(CHANNEL, told)
        pipe.execute()


def remove() -> None:
    with _telling, contextlib.suppress(RedisError, OSError):
        pulse.end()
        pulse.has_ended = True
        beat(pulse, publish=True)


def key_of(worker_id: str) -> str:
    return f"worker:{worker_id}:heartbeat"


# --- Read -----------------------------------------------------------------------------------------------------------


def heartbeats() -> list[dict[str, Any]]:
    """The last sign of life of each worker, ended ones too until it expires. Two round trips."""
    names: Sequence[Any] = _redis().zrangebyscore(WORKERS, time.time(), "inf")
    told: Any = _redis().mget([key_of(name.decode()) for name in names]) if names else []
    return [msgspec.json.decode(entry) for entry in told if entry]


@cache
def _redis() -> Redis:
    return short_timeout_client(timeout=2)
