"""Scale the workers with the load, and replace stuck ones.

The supervisor's loop polls once a second. The number depends on the age of the oldest waiting event, which is what a
teacher notices, not on queue lengths. A new worker takes two seconds to start and helps for the rest of a burst, so
workers are added quickly and removed slowly.

A worker is stuck if it reports so (it has work and made no progress for WORKER_STALLED seconds), or if its heartbeat
has not changed for as long, as a stopped process cannot report. Time without an answer from Redis does not count. The
entries of a killed worker are redelivered when its lease expires (events.queue.stream).
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError

from core.redis import short_timeout_client
from events.queue import heartbeats, stream
from operations.local import programs as local_programs
from operations.local.processes import Program
from operations.local.supervisor import Child, Supervisor

logger = logging.getLogger(__name__)

POLL_INTERVAL = 1.0  # seconds
SLOW, FAST = 2.0, 0.5  # seconds that the oldest event waits: above, workers are added; below, removed
GROW_AFTER, SHRINK_AFTER = 3.0, 60.0  # seconds for which that must have lasted


@dataclass(kw_only=True)
class Scale:
    """The number of workers. Between SLOW and FAST it does not change, which avoids oscillation."""

    minimum: int
    maximum: int
    slow_since: float | None = None
    fast_since: float | None = None

    def wanted(self, *, present: int, age: float, now: float) -> int:
        """Return the wanted number, at most one from `present`.

        `age` of the oldest waiting event and `now` (of a monotonic clock) are in seconds.
        """
        self.slow_since = (self.slow_since if self.slow_since is not None else now) if age > SLOW else None
        self.fast_since = (self.fast_since if self.fast_since is not None else now) if age < FAST else None
        if present < self.minimum:
            return self.minimum
        if self.slow_since is not None and now - self.slow_since >= GROW_AFTER and present < self.maximum:
            self.slow_since = now
            return present + 1
        if self.fast_since is not None and now - self.fast_since >= SHRINK_AFTER and present > self.minimum:
            self.fast_since = now
            return present - 1
        return present


@dataclass(slots=True)
class Seen:
    """The last heartbeat of a process, and when it changed (monotonic)."""

    timestamp: str
    at: float


@dataclass(kw_only=True)
class Autoscaler:
    """Start, stop and replace the workers of a supervisor."""

    supervisor: Supervisor
    minimum: int
    maximum: int
    program: Callable[[int], Program] = local_programs.worker
    children: list[Child] = field(default_factory=list)
    seen: dict[int, Seen] = field(default_factory=dict)  # by pid
    polled_at: float = 0.0

    def __post_init__(self) -> None:
        self.scale = Scale(minimum=self.minimum, maximum=self.maximum)

    def start(self) -> None:
        while len(self.children) < self.minimum:
            self._add_worker()

    def poll(self) -> None:
        """Check the workers once in POLL_INTERVAL; the supervisor calls this in every iteration."""
        now = time.monotonic()
        if now - self.polled_at < POLL_INTERVAL:
            return
        pause, self.polled_at = now - self.polled_at, now
        try:
            beats = {beat["pid"]: beat for beat in heartbeats.heartbeats() if beat["host"] == heartbeats.HOST}
            with short_timeout_client(timeout=1, url=stream.url()) as redis:
                oldest = stream.oldest_waiting(redis)
        except (RedisError, OSError):
            for seen in self.seen.values():
                seen.at += pause
            return
        self._replace_stuck(beats, now=now)
        self._resize(0.0 if oldest is None else max(0.0, time.time() - oldest / 1000), now=now)

    def _resize(self, age: float, *, now: float) -> None:
        wanted = self.scale.wanted(present=len(self.children), age=age, now=now)
        if wanted > len(self.children):
            self.supervisor.say(f"events wait for {age:.1f} s: {wanted} workers from now on")
            self._add_worker()
        elif wanted < len(self.children):
            self.supervisor.say(f"events wait no longer: {wanted} workers from now on")
            self.supervisor.retire(self.children.pop())

    def _add_worker(self) -> None:
        taken = {child.program.name for child in self.supervisor.children}
        programs = (self.program(number) for number in range(1, 1000))
        self.children.append(self.supervisor.start(next(one for one in programs if one.name not in taken)))

    def _replace_stuck(self, beats: dict[int, dict[str, Any]], *, now: float) -> None:
        running = {child.process.pid: child for child in self.children if child.process is not None}
        self.seen = {pid: seen for pid, seen in self.seen.items() if pid in running}
        for pid, child in running.items():
            beat = beats.get(pid)
            if beat is None:
                continue  # it is starting or ending
            if pid not in self.seen or self.seen[pid].timestamp != beat["timestamp"]:
                self.seen[pid] = Seen(beat["timestamp"], now)
            silence = now - self.seen[pid].at
            if beat["status"] == "error" or silence > settings.WORKER_STALLED:
                doing = beat["current_task"] or "nothing"
                self.supervisor.say(f"{child.program.name} is stuck (it was doing: {doing}); replacing it")
                self.supervisor.replace(child)
