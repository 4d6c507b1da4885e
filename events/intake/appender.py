"""Appending events to the stream for all requests of a process, many requests in one round trip."""

import asyncio
import logging
import math
import time
from collections.abc import Container, Sequence
from typing import Any

from redis.exceptions import OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from events.contract.kinds import PRIORITIES
from events.contract.schema import Event
from events.intake.rate_limit import BUSY_SHARE
from events.intake.request import RequestRefused
from events.queue import appending, jobs, stream
from events.queue.appending import Backlog, Incomplete, OutgoingEntry
from events.queue.enqueue import is_overloaded, outgoing_entries

logger = logging.getLogger(__name__)

FULL = "The event queue has no memory left; try again"
MEMORY_FACTOR = 2  # bytes that a byte of events takes in Redis at most
# Seconds between the starts of two appends, so that a class of 1,000 shares one among four posts. The first post after
# so long a silence does not wait.
APPEND_INTERVAL = 0.004


class Appender:
    """Appends to the stream for all requests of this process. One round trip appends all waiting requests.

    A round trip costs both sides as much as all else that a post needs (docs/decisions/0026-fewer-wakes.md), so those
    that arrive within APPEND_INTERVAL share one.
    """

    def __init__(self) -> None:
        self._redis: Any = None
        self._waiting: list[tuple[list[OutgoingEntry], asyncio.Future[None]]] = []
        self._appended_at = 0.0  # by time.monotonic(), when the last append began
        self._task: asyncio.Task[None] | None = None
        self._enqueue_tasks: set[asyncio.Task[None]] = set()
        self._backlog: dict[int, Backlog] = {}
        self._is_overloaded = False  # as of the last append or look
        self._checked_at = 0.0
        self._free_bytes = math.inf  # in Redis, as far as known

    @property
    def is_busy(self) -> bool:
        """Return whether so many events wait that rate limits apply. As old as the last append."""
        return is_overloaded(self._backlog.values(), share=BUSY_SHARE)

    async def append(self, events: Sequence[Event], *, batch: str = "") -> None:
        """Append the events and return when they are in the stream. Raises RequestRefused(503) if that fails."""
        await self.check_overload()
        await self.append_entries(outgoing_entries(events, batch=batch), batch=batch)

    async def append_entries(self, entries: list[OutgoingEntry], *, batch: str = "") -> None:
        """Append packed events and return when they are in the stream. Raises RequestRefused(503) if that fails."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        try:
            await future
        except (RedisError, OSError) as error:
            reason = error if isinstance(error, Incomplete) else type(error).__name__
            logger.warning("Redis did not take the events: %s", reason, extra={"batch_id": batch})
            full = isinstance(error.__cause__ or error, OutOfMemoryError)
            raise RequestRefused(503, FULL if full else "The event queue is not available; try again") from None

    async def _flush(self) -> None:
        while self._waiting:
            if (pause := self._appended_at + APPEND_INTERVAL - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            self._appended_at = time.monotonic()
            taken, self._waiting = self._waiting, []
            try:
                backlog = await appending.append(self._connection(), [p for entries, _ in taken for p in entries])
            except Incomplete as error:  # what is in a stream is stored, even if its sender is told to send it again
                _answer(taken, error, failed=error.failed)
                self._enqueue_drains([shard for shard, state in error.backlogs.items() if state.needs_drain], taken)
                continue
            except Exception as error:
                _answer(taken, error)
                if isinstance(error, RedisTimeoutError):
                    self._answer_those_behind(error)
                continue
            _answer(taken)
            self._backlog.update(backlog)
            self._is_overloaded = is_overloaded(self._backlog.values())
            try:
                await self._check_free_memory(sum(len(entry.packed) for entries, _ in taken for entry in entries))
            except RedisTimeoutError as error:
                self._answer_those_behind(error)
            self._enqueue_drains([shard for shard, state in backlog.items() if state.needs_drain], taken)

    def _answer_those_behind(self, error: Exception) -> None:
        """Answer the requests that waited while Redis did not answer: their append would wait as long again."""
        behind, self._waiting = self._waiting, []
        _answer(behind, error)

    def _enqueue_drains(self, shards: Sequence[int], taken: Sequence[tuple[list[OutgoingEntry], Any]]) -> None:
        for shard in shards:
            priorities = {entry.priority for entries, _ in taken for entry in entries if entry.shard == shard}
            highest = next(priority for priority in PRIORITIES if priority in priorities)
            task = asyncio.create_task(asyncio.to_thread(jobs.enqueue_drain, shard, highest))
            # The loop has only weak references to tasks. If this fails, `jobs.requeue_stranded_shards` does it later.
            self._enqueue_tasks.add(task)
            task.add_done_callback(self._enqueued)

    def _enqueued(self, task: "asyncio.Task[None]") -> None:
        self._enqueue_tasks.discard(task)
        if not task.cancelled() and task.exception():
            logger.warning("No drain could be enqueued: %s", type(task.exception()).__name__)

    async def check_overload(self) -> None:
        """Raise RequestRefused(503) while the backlog is too large. It is checked at most twice a second."""
        if not self._is_overloaded and self._free_bytes > 0:
            return
        if time.monotonic() - self._checked_at > 0.5:
            self._checked_at = time.monotonic()
            try:
                self._backlog = await appending.backlog(self._connection(), list(self._backlog))
                self._free_bytes = await appending.free_bytes(self._connection())
            except (RedisError, OSError):
                raise RequestRefused(503, "The event queue is not available; try again") from None
        self._is_overloaded = is_overloaded(self._backlog.values())
        if self._is_overloaded:
            raise RequestRefused(503, "Too many events are waiting; try again")
        if self._free_bytes <= 0:
            raise RequestRefused(503, FULL)

    async def _check_free_memory(self, taken: int) -> None:
        """Update the free memory after an append of so many bytes. Query Redis once a second, and if none is left.

        Raises redis.exceptions.TimeoutError if it does not answer; other failures leave the number as it is.
        """
        self._free_bytes -= MEMORY_FACTOR * taken
        if self._free_bytes <= 0 or time.monotonic() - self._checked_at > 1:
            self._checked_at = time.monotonic()
            try:
                self._free_bytes = await appending.free_bytes(self._connection())
            except RedisTimeoutError:
                raise
            except (RedisError, OSError):
                pass

    async def close(self) -> None:
        """Wait for running tasks and close the connection. Accepted events are in the stream already."""
        await asyncio.gather(*self._enqueue_tasks, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    def _connection(self) -> Any:
        if self._redis is None:
            self._redis = stream.connect_async()
        return self._redis


def _answer(
    taken: Sequence[tuple[list[OutgoingEntry], "asyncio.Future[None]"]],
    error: Exception | None = None,
    *,
    failed: Container[int] | None = None,
) -> None:
    """Let waiting requests go on, with the error if one of their entries is of a failed shard; None: all failed."""
    for entries, future in taken:
        if future.done():
            continue
        if error is not None and (failed is None or any(entry.shard in failed for entry in entries)):
            future.set_exception(error)
        else:
            future.set_result(None)
