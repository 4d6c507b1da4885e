"""As many workers as the load needs, and none that is stuck.

One look a second, from the supervisor's loop. How many: by the age of the oldest event that waits, which is what a
teacher would notice, and not by lengths of queues. A worker more takes two seconds to start and helps for as long as
the burst lasts, so workers come quickly and go slowly.

Stuck is a worker that says so itself (it holds work and has not moved for WORKER_STALLED seconds), or whose
heartbeat, as this process has seen it, has not changed for as long: a stopped process says nothing. Time in which Redis
did not answer counts for nobody. What a killed worker held is redelivered: its lease expires (events.queue.stream).
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

POLL_INTERVAL = 1.0  # seconds between two looks
SLOW, BRISK = 2.0, 0.5  # seconds that the oldest event has waited: too long, and short enough for fewer workers
GROW_AFTER, SHRINK_AFTER = 3.0, 60.0  # seconds for which it has been so


@dataclass(kw_only=True)
class Scale:
    """How many workers there should be. Between SLOW and BRISK nothing changes, so that it does not swing."""

    least: int
    most: int
    slow_since: float | None = None
    brisk_since: float | None = None

    def wanted(self, *, present: int, age: float, now: float) -> int:
        """`age` of the oldest event that waits and `now`, by any steady clock, in seconds. One step at a time."""
        self.slow_since = (self.slow_since if self.slow_since is not None else now) if age > SLOW else None
        self.brisk_since = (self.brisk_since if self.brisk_since is not None else now) if age < BRISK else None
        if present < self.least:
            return self.least
        if self.slow_since is not None and now - self.slow_since >= GROW_AFTER and present < self.most:
            self.slow_since = now
            return present + 1
        if self.brisk_since is not None and now - self.brisk_since >= SHRINK_AFTER and present > self.least:
            self.brisk_since = now
            return present - 1
        return present


@dataclass(slots=True)
class Seen:
    """The last heartbeat of one process, and when it was new."""

    timestamp: str
    at: float


@dataclass(kw_only=True)
class Autoscaler:
    """The workers among a supervisor's children."""

    supervisor: Supervisor
    least: int
    most: int
    program: Callable[[int], Program] = local_programs.worker
    children: list[Child] = field(default_factory=list)
    seen: dict[int, Seen] = field(default_factory=dict)  # by pid
    looked_at: float = 0.0

    def __post_init__(self) -> None:
        self.scale = Scale(least=self.least, most=self.most)

    def start(self) -> None:
        while len(self.children) < self.least:
            self._hire()

    def look(self) -> None:
        """Called at every turn of the supervisor; does something once a second."""
        now = time.monotonic()
        if now - self.looked_at < POLL_INTERVAL:
            return
        pause, self.looked_at = now - self.looked_at, now
        try:
            beats = {beat["pid"]: beat for beat in heartbeats.heartbeats() if beat["host"] == heartbeats.HOST}
            with short_timeout_client(timeout=1) as redis:
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
            self._hire()
        elif wanted < len(self.children):
            self.supervisor.say(f"events wait no longer: {wanted} workers from now on")
            self.supervisor.retire(self.children.pop())

    def _hire(self) -> None:
        taken = {child.program.name for child in self.supervisor.children}
        programs = (self.program(number) for number in range(1, 1000))
        self.children.append(self.supervisor.start(next(one for one in programs if one.name not in taken)))

    def _replace_stuck(self, beats: dict[int, dict[str, Any]], *, now: float) -> None:
        running = {child.process.pid: child for child in self.children if child.process is not None}
        self.seen = {pid: seen for pid, seen in self.seen.items() if pid in running}
        for pid, child in running.items():
            beat = beats.get(pid)
            if beat is None:
                continue  # it has not started yet, or it ends
            if pid not in self.seen or self.seen[pid].timestamp != beat["timestamp"]:
                self.seen[pid] = Seen(beat["timestamp"], now)
            silence = now - self.seen[pid].at
            if beat["status"] == "error" or silence > settings.WORKER_STALLED:
                doing = beat["current_task"] or "nothing"
                self.supervisor.say(f"{child.program.name} is stuck (it was doing: {doing}); replacing it")
                self.supervisor.replace(child)
