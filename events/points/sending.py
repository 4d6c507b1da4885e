"""Points on their way: the river lays them down in Redis, a thread of the worker hands them to InfluxDB."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence

from redis import Redis
from redis.exceptions import LockError, RedisError

from events.points import server, waiting
from events.points.lines import line, numbers, text
from events.points.shapes import Number
from events.schema import Event
from events.store import Changes

logger = logging.getLogger(__name__)

LINES_AT_ONCE = 1_000  # a request; measured: larger ones gain nothing
INTERVAL = 1.0  # seconds between two looks: what comes meanwhile shares a request
BUDGET = 20.0  # seconds of one turn; under the lock's expiry
SENDER_SECONDS = 60


def write(batches: Sequence[Changes]) -> None:
    """Lay down the points of these batches. One round trip to Redis, none to InfluxDB. Raises redis.RedisError."""
    if server.is_configured():
        _keep([line(event) for changes in batches for event in changes.events if event.email])


def note(event: Event, *, resolved_by: str) -> None:
    """The point of something an instructor did for a student; `event` says what, to whom and when."""
    if server.is_configured():
        _keep([line(event, more=["success=true", f"resolvedBy={text(resolved_by)}"])])


def note_numbers(measurements: Mapping[str, Mapping[str, Number]], *, tags: Mapping[str, str], at: int) -> None:
    """A point of each of these measurements; `at` in seconds since the epoch. Nothing where there is no InfluxDB."""
    if server.is_configured():
        _keep([numbers(name, values, tags=tags, at=at) for name, values in measurements.items()])


def _keep(lines: list[str]) -> None:
    if not lines:
        return
    with waiting.connect() as redis:
        dropped = waiting.keep(redis, lines, now_ms=time.time_ns() // 1_000_000)
    if dropped:
        logger.error(
            "Too many points wait for InfluxDB; %d dropped. PostgreSQL has them: run influx_backfill when it is back",
            dropped,
        )


def send_waiting() -> int:
    """Hand over what waits, oldest first, unless somebody else is at it. Returns how many points left the backlog.

    Stops at the first trouble, and then does nothing until the pause is over. Raises redis.RedisError.
    """
    if not server.is_configured():
        return 0
    with waiting.connect() as redis:
        if waiting.is_paused(redis):
            return 0
        lock = redis.lock("points:sender", timeout=SENDER_SECONDS, blocking=False)
        if not lock.acquire():
            return 0
        try:
            return _send_waiting(redis)
        finally:
            try:
                lock.release()
            except LockError:  # it took longer than the lock lasts; what was sent twice is there once
                logger.warning("Sending points took longer than %d s", SENDER_SECONDS)


def _send_waiting(redis: Redis) -> int:
    sent, begun = 0, time.monotonic()
    while time.monotonic() - begun < BUDGET:
        entries = waiting.oldest(redis, lines=LINES_AT_ONCE)
        if not entries:
            break
        try:
            refusals = server.send([line for entry in entries for line in entry.lines])
        except server.Away as away:
            if waiting.pause(redis, reason=str(away), at_least=away.retry_after):
                logger.warning("InfluxDB %s; points wait%s", away, f": {away.detail}" if away.detail else "")
            break
        waiting.forget(redis, entries)
        sent += sum(len(entry.lines) for entry in entries)
        if waiting.end_trouble(redis):
            logger.warning("InfluxDB takes points again; %d wait", waiting.standing(redis).waiting)
        if refusals:
            waiting.count_refused(redis, len(refusals), reason=refusals[-1].reason)
            logger.error("InfluxDB refuses %d points: %s", len(refusals), refusals[-1].reason)
    return sent


class Sender(threading.Thread):
    """Sends what waits, once a second, beside whatever the process does. What it has not sent when it ends, waits.

    Where no InfluxDB is configured it notes that, so that one that comes back is not believed to have everything, and
    ends.
    """

    def __init__(self, *, interval: float = INTERVAL) -> None:
        super().__init__(name="points", daemon=True)
        self._interval = interval
        self._has_aimed = False
        self._ending = threading.Event()

    def run(self) -> None:
        while not self._ending.wait(self._interval):
            try:
                self._aim()
                if not server.is_configured():
                    return
                send_waiting()
            except RedisError as error:
                logger.warning("Redis does not answer (%s); points cannot be sent", type(error).__name__)
            except Exception:
                # Whatever it was, the points are where they were, and the next turn comes.
                logger.exception("Sending points failed")

    def _aim(self) -> None:
        if not self._has_aimed:
            with waiting.connect() as redis:
                waiting.aim(redis, target=server.target())
            self._has_aimed = True

    def end(self) -> None:
        """Returns when its turn is over, after at most a few seconds."""
        self._ending.set()
        if self.is_alive():
            self.join(timeout=5)
        server.disconnect()
