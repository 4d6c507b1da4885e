"""The intake: an ASGI application beside Django that validates a POST of events and appends them to the stream.

It does as little work as possible, because a class of 200 students posts to it all day: no session, no template, no
query (`events.intake.class_keys` caches class keys and student tokens). Requests that arrive during an append share the
next one. Source: docs/contract/events.md section 1.
"""

import asyncio
import contextlib
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Container, MutableMapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from redis.exceptions import OutOfMemoryError, RedisError

from core import gzip_body
from core.json_size import TooManyValues
from events import metrics as events_metrics
from events.contract import records as contract_records
from events.contract import schema
from events.contract.kinds import PRIORITIES, kind_of
from events.contract.records import Problem
from events.contract.schema import Event
from events.intake.class_keys import ClassKeyCache, KeyRefused, StudentTokenCache
from events.intake.rate_limit import BUSY_SHARE, RateLimiter
from events.processing import instructor_events
from events.queue import appending, jobs, stream
from events.queue.appending import Backlog, Incomplete, OutgoingEntry
from events.queue.enqueue import is_overloaded, outgoing_entries
from instructors.rest.exceptions import too_large_for

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FULL = "The event queue has no memory left; try again"
MEMORY_FACTOR = 2  # bytes that a byte of events takes in Redis at most
MAX_DRAINED = 64 * 1024 * 1024  # bytes
RETRY_AFTER = b"2"  # seconds; the deployed extension ignores it, other clients may not


class RequestRefused(Exception):
    """The request is refused with this status and detail."""

    def __init__(self, status: int, detail: str | list[Problem]) -> None:
        super().__init__(str(detail))
        self.status, self.detail = status, detail


class Admitted(NamedTuple):
    """The admitted events of one request."""

    events: list[Event]
    total: int
    failed: list[dict[str, Any]]
    cut: Counter[str]  # number of values cut to their column's width, by field


class Intake:
    def __init__(self) -> None:
        self._class_keys = ClassKeyCache(settings.EVENTS_REQUIRE_KEY)
        self._student_tokens = StudentTokenCache()
        self._appender = Appender()
        self._rate_limiter = RateLimiter(settings.EVENT_KEY_RATE)
        self._warned_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status, body = 500, b'{"detail": "Failed to take the events"}'
        try:
            if scope["method"] != "POST":
                raise RequestRefused(405, "Method Not Allowed")
            status, body = 202, await self._handle(scope, receive, started)
        except (RequestRefused, KeyRefused) as refused:
            status, body = refused.status, msgspec.json.encode({"detail": refused.detail})
        except Exception:
            logger.exception("The intake failed")
        events_metrics.count("posts", str(status))
        events_metrics.observe("intake", time.perf_counter() - started)
        await send({"type": "http.response.start", "status": status, "headers": _headers(status, body, scope)})
        await send({"type": "http.response.body", "body": body})

    async def close(self) -> None:
        await self._appender.close()

    async def _handle(self, scope: Scope, receive: Receive, started: float) -> bytes:
        key, token = credentials(scope)
        student = None
        former: tuple[str, ...] = ()
        if token is None:
            class_id = await self._class_keys.class_of(key)
        else:
            holder = await self._student_tokens.student_of(token)
            class_id, student, former = holder.class_id, holder.email, holder.former
        if self._rate_limiter.is_exceeded(class_id, started) and self._appender.is_busy:
            self._refuse_excess(class_id)
        body = await read_body(scope, receive)
        admitted = admit_body(body, class_id=class_id, student=student, former=former)
        await authorise(scope, admitted.events)
        batch = f"{random.getrandbits(32):08x}"  # not a secret; `secrets` would cost as much as parsing
        if admitted.events:
            await self._appender.append(admitted.events, batch=batch)
            self._rate_limiter.record(class_id, len(admitted.events), started)
            events_metrics.count("received", number=len(admitted.events))
        if admitted.cut:
            logger.info("Cut what was too long: %s", dict(admitted.cut), extra={"batch_id": batch})
        return _success_body(admitted, started, batch=batch)

    def _refuse_excess(self, class_id: int | None) -> None:
        """Refuse a class that exceeds its rate, before reading the body, to save work. Raises RequestRefused(503)."""
        events_metrics.count("shed")
        if time.monotonic() - self._warned_at > 60:
            self._warned_at = time.monotonic()
            logger.warning("Class %s sends more than its share while others wait; it is refused with 503", class_id)
        raise RequestRefused(503, "This class sends more events than its share; try again")


class Appender:
    """Appends to the stream for all requests of this process. One round trip appends all waiting requests."""

    def __init__(self) -> None:
        self._redis: Any = None
        self._waiting: list[tuple[list[OutgoingEntry], asyncio.Future[None]]] = []
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
        await self._check_overload()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((outgoing_entries(events, batch=batch), future))
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
            taken, self._waiting = self._waiting, []
            try:
                backlog = await appending.append(self._connection(), [p for entries, _ in taken for p in entries])
            except Incomplete as error:  # what is in a stream is stored, even if its sender is told to send it again
                _answer(taken, error, failed=error.failed)
                self._enqueue_drains([shard for shard, state in error.backlogs.items() if state.needs_drain], taken)
                continue
            except Exception as error:
                _answer(taken, error)
                continue
            _answer(taken)
            self._backlog.update(backlog)
            self._is_overloaded = is_overloaded(self._backlog.values())
            await self._check_free_memory(sum(len(entry.packed) for entries, _ in taken for entry in entries))
            self._enqueue_drains([shard for shard, state in backlog.items() if state.needs_drain], taken)

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

    async def _check_overload(self) -> None:
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
        """Update the free memory after an append of so many bytes. Query Redis once a second, and if none is left."""
        self._free_bytes -= MEMORY_FACTOR * taken
        if self._free_bytes <= 0 or time.monotonic() - self._checked_at > 1:
            self._checked_at = time.monotonic()
            with contextlib.suppress(RedisError, OSError):
                self._free_bytes = await appending.free_bytes(self._connection())

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
    """Let those who wait go on: with the error if an entry of theirs belongs to a failed shard; None = all shards."""
    for entries, future in taken:
        if future.done():
            continue
        if error is not None and (failed is None or any(entry.shard in failed for entry in entries)):
            future.set_exception(error)
        else:
            future.set_result(None)


# --- Reading a request ----------------------------------------------------------------------------------------------


def header(scope: Scope, name: bytes) -> bytes:
    """Return the header's value, or b"" if it was not sent."""
    for key, value in scope["headers"]:  # a generator would cost as much as parsing the event
        if key == name:
            return bytes(value)
    return b""


def credentials(scope: Scope) -> tuple[str | None, str | None]:
    """Return the class key and the student token that were sent, each or None.

    The key may be in a header or, because the extension in the field cannot set headers, in the query string.
    """
    key = authorization = b""
    for name, value in scope["headers"]:  # once, because it costs as much as parsing the event
        if name == b"x-class-key":
            key = key or value
        elif name == b"authorization":
            authorization = authorization or value
    token = None
    if authorization[:8].lower() == b"student ":
        token = authorization[8:].decode("latin-1").strip()
    if key:
        return key.decode("latin-1").strip(), token
    if b"key=" in scope.get("query_string", b""):
        values = parse_qs(scope["query_string"].decode("latin-1")).get("key")
        return values[0].strip() if values else None, token
    return None, token


async def authorise(scope: Scope, events: Sequence[Event]) -> None:
    """Mark the events about instructors that the sender's token permits (events.md section 3.4).

    Other events about instructors are stored without effect.
    """
    guarded = [event for event in events if kind_of(event.event_type).is_about_instructor]
    if not guarded:
        return
    scheme, _, token = header(scope, b"authorization").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        await sync_to_async(_authorise)(token.strip(), guarded)


def _authorise(token: str, guarded: Sequence[Event]) -> None:
    try:
        caller = instructor_events.instructor_of(token)
        if caller is not None:
            for event in guarded:
                event.is_authorised = instructor_events.allows(caller, event)
    except DatabaseError:
        pass  # the events are stored without effect
    finally:
        close_old_connections()


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the inflated body.

    Raises RequestRefused: 413 beyond the limit, 400 for a corrupt body, 415 for an unknown encoding.
    """
    encoding = header(scope, b"content-encoding").lower()
    is_gzip = encoding.decode("latin-1") in gzip_body.NAMES
    if not is_gzip and encoding not in (b"", b"identity"):
        raise RequestRefused(415, f"Unsupported Content-Encoding: {encoding.decode('latin-1')}; send gzip or none")
    limit = settings.EVENT_BODY_LIMIT
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(400, "The request ended before its body did")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            if message.get("more_body", False):
                await read_rest(receive)
            raise RequestRefused(413, too_large_for(limit))
        chunks.append(chunk)
        more = message.get("more_body", False)
    body = b"".join(chunks)
    return inflate(body, limit=limit) if is_gzip else body


async def read_rest(receive: Receive) -> None:
    """Read and drop the rest of a refused body, at most MAX_DRAINED bytes.

    A client that reads only after sending the whole body thus gets the response and not a closed connection.
    """
    dropped, more = 0, True
    while more and dropped < MAX_DRAINED:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)


def inflate(body: bytes, *, limit: int) -> bytes:
    """Return the content of a gzip body. Raises RequestRefused 400 or 413."""
    try:
        return gzip_body.inflate(body, limit=limit)
    except gzip_body.BadGzip as error:
        raise RequestRefused(400, str(error)) from None
    except gzip_body.TooLong:
        raise RequestRefused(413, f"Inflated body exceeds the maximum size of {limit} bytes") from None


# --- Admitting records ------------------------------------------------------------------------------------------------


def admit_body(
    body: bytes, *, class_id: int | None, student: str | None = None, former: tuple[str, ...] = ()
) -> Admitted:
    """Return the events of a body. `student` is the address of the student whose token was sent. Raises RequestRefused
    413 or 422 if the whole request is refused."""
    try:
        records = contract_records.parse(body)
    except contract_records.BadBody as error:
        raise RequestRefused(422, error.problems) from None
    except TooManyValues as error:
        raise RequestRefused(413, str(error)) from None
    if len(records) > settings.EVENT_BATCH_LIMIT:
        limit = settings.EVENT_BATCH_LIMIT
        raise RequestRefused(413, f"Batch size {len(records)} exceeds maximum allowed size of {limit}")
    received = time.time_ns() // 1_000_000
    events: list[Event] = []
    failed: list[dict[str, Any]] = []
    cut: Counter[str] = Counter()
    for index, record in enumerate(records):
        try:
            schema.refuse_wrong_identity(record, ["body", index])
        except contract_records.BadBody as error:
            raise RequestRefused(422, error.problems) from None
        admitted = schema.admit(record, received=received, class_id=class_id, cut=cut, student=student, former=former)
        if isinstance(admitted, str):
            failed.append({"index": index, "error": admitted})
        else:
            events.append(admitted)
    if failed and not events:
        raise RequestRefused(
            422,
            [
                contract_records.problem(item["error"], kind_of_problem(item["error"]), ["body", item["index"]])
                for item in failed
            ],
        )
    return Admitted(events, len(records), failed, cut)


def kind_of_problem(reason: str) -> str:
    return "wrong_student" if reason == schema.WRONG_STUDENT else "missing"


def _success_body(admitted: Admitted, started: float, *, batch: str) -> bytes:
    queued = len(admitted.events)
    return msgspec.json.encode(
        {
            "message": f"{queued} events received and queued for processing.",
            "batch_stats": {
                "batch_id": batch,
                "total_events": admitted.total,
                "successful_events": queued,
                "failed_events": admitted.failed,
                **({"cut_fields": admitted.cut} if admitted.cut else {}),
                "event_types": Counter(event.event_type for event in admitted.events),
                "validation_success_rate": round(100 * queued / admitted.total, 1) if admitted.total else 100.0,
                "total_processing_time_ms": round((time.perf_counter() - started) * 1000),
            },
        }
    )


def _headers(status: int, body: bytes, scope: Scope) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if "request_id" in scope:
        headers.append((b"x-request-id", scope["request_id"]))
    if status == 503:
        headers.append((b"retry-after", RETRY_AFTER))
    if status == 405:
        headers.append((b"allow", b"POST, OPTIONS"))
    return headers
