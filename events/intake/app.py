"""The POST: a small ASGI application beside Django. Bytes in, validate, one append to the stream, 202.

It does as little as it can, because a class of 200 posts through it all day: no session, no template, no query (the
class key is remembered, see `events.intake.class_keys`). Requests that arrive while an append is under way share the next one.
Source: docs/contract/events.md section 1.
"""

import asyncio
import contextlib
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from redis.exceptions import OutOfMemoryError, RedisError

from core import gzip_body
from events import metrics as events_metrics
from events.contract import records as contract_records
from events.contract import schema
from events.contract.kinds import PRIORITIES, kind_of
from events.contract.records import Problem
from events.contract.schema import Event
from events.intake.class_keys import ClassKeyCache, KeyRefused
from events.intake.rate_limit import FAIR, RateLimiter
from events.processing import instructor_events
from events.queue import jobs, stream
from events.queue.enqueue import is_overloaded, outgoing_entries
from events.queue.stream import Backlog, OutgoingEntry
from instructors.rest.exceptions import too_large_for

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FULL = "The event queue has no memory left; try again"
OVERHEAD = 2  # what a byte of events takes in Redis at most
HEARD_OUT = 64 * 1024 * 1024  # bytes
RETRY_AFTER = b"2"  # seconds; the extension in the field ignores it, others may not


class Answer(Exception):
    """The request ends here, with this status and detail."""

    def __init__(self, status: int, detail: str | list[Problem]) -> None:
        super().__init__(str(detail))
        self.status, self.detail = status, detail


class Admitted(NamedTuple):
    """What one request brought."""

    events: list[Event]
    total: int
    failed: list[dict[str, Any]]
    cut: Counter[str]  # by field: what was too long for its column


class Intake:
    def __init__(self) -> None:
        self._gate = ClassKeyCache(settings.EVENTS_REQUIRE_KEY)
        self._appender = Appender()
        self._shares = RateLimiter(settings.EVENT_KEY_RATE)
        self._complained_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status, body = 500, b'{"detail": "Failed to take the events"}'
        try:
            if scope["method"] != "POST":
                raise Answer(405, "Method Not Allowed")
            status, body = 202, await self._take(scope, receive, started)
        except Answer as answer:
            status, body = answer.status, msgspec.json.encode({"detail": answer.detail})
        except KeyRefused as refusal:
            status, body = refusal.status, msgspec.json.encode({"detail": refusal.detail})
        except Exception:
            logger.exception("The intake failed")
        events_metrics.count("posts", str(status))
        events_metrics.observe("intake", time.perf_counter() - started)
        await send({"type": "http.response.start", "status": status, "headers": _headers(status, body, scope)})
        await send({"type": "http.response.body", "body": body})

    async def close(self) -> None:
        await self._appender.close()

    async def _take(self, scope: Scope, receive: Receive, started: float) -> bytes:
        class_id = await self._gate.class_of(given_key(scope))
        if self._shares.is_spent(class_id, started) and self._appender.is_pressed:
            self._shed(class_id)
        body = await read_body(scope, receive)
        admitted = admit_body(body, class_id=class_id)
        await authorise(scope, admitted.events)
        batch = f"{random.getrandbits(32):08x}"  # no secret; asking the system for each costs as much as parsing
        if admitted.events:
            await self._appender.append(admitted.events, batch=batch)
            self._shares.spend(class_id, len(admitted.events), started)
            events_metrics.count("received", number=len(admitted.events))
        if admitted.cut:
            logger.info("Cut what was too long: %s", dict(admitted.cut), extra={"batch_id": batch})
        return _report(admitted, started, batch=batch)

    def _shed(self, class_id: int | None) -> None:
        """Before the body is read: a flood is to cost as little as it can. Raises Answer."""
        events_metrics.count("shed")
        if time.monotonic() - self._complained_at > 60:
            self._complained_at = time.monotonic()
            logger.warning("Class %s sends more than its share while others wait; it is told to try again", class_id)
        raise Answer(503, "This class sends more events than its share; try again")


class Appender:
    """Appends to the stream for all requests of this process: one round trip carries whatever waits for it."""

    def __init__(self) -> None:
        self._redis: Any = None
        self._waiting: list[tuple[list[OutgoingEntry], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._wakes: set[asyncio.Task[None]] = set()
        self._backlog: dict[int, Backlog] = {}
        self._looked_at = 0.0
        self._room = math.inf  # bytes that Redis may still take, as far as we know

    @property
    def is_pressed(self) -> bool:
        """Whether so much waits that shares matter; as old as the last append."""
        return is_overloaded(self._backlog.values(), share=FAIR)

    async def append(self, events: Sequence[Event], *, batch: str = "") -> None:
        """Returns when the events are safely in the stream. Raises Answer(503) when they cannot be."""
        await self._refuse_overload()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((outgoing_entries(events, batch=batch), future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        try:
            await future
        except (RedisError, OSError) as error:
            logger.warning("Redis did not take the events: %s", type(error).__name__, extra={"batch_id": batch})
            full = isinstance(error, OutOfMemoryError)
            raise Answer(503, FULL if full else "The event queue is not available; try again") from None

    async def _flush(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                backlog = await stream.append(self._connection(), [p for parcels, _ in taken for p in parcels])
            except Exception as error:
                for _, future in taken:
                    if not future.done():
                        future.set_exception(error)
                continue
            for _, future in taken:
                if not future.done():
                    future.set_result(None)
            self._backlog.update(backlog)
            await self._look_for_room(sum(len(parcel.packed) for parcels, _ in taken for parcel in parcels))
            self._wake([(shard, state) for shard, state in backlog.items() if state.wake], taken)

    def _wake(self, shards: Sequence[tuple[int, Backlog]], taken: Sequence[tuple[list[OutgoingEntry], Any]]) -> None:
        for shard, _ in shards:
            brought = {parcel.priority for parcels, _ in taken for parcel in parcels if parcel.shard == shard}
            highest = next(priority for priority in PRIORITIES if priority in brought)
            task = asyncio.create_task(asyncio.to_thread(jobs.enqueue_drain, shard, highest))
            # The loop keeps only weak references to tasks. A wake that fails is made good by the periodic one.
            self._wakes.add(task)
            task.add_done_callback(self._woken)

    def _woken(self, task: "asyncio.Task[None]") -> None:
        self._wakes.discard(task)
        if not task.cancelled() and task.exception():
            logger.warning("No worker could be woken: %s", type(task.exception()).__name__)

    async def _refuse_overload(self) -> None:
        """503 while more waits than may. What is known is as old as the last append, or half a second."""
        if not is_overloaded(self._backlog.values()) and self._room > 0:
            return
        if time.monotonic() - self._looked_at > 0.5:
            self._looked_at = time.monotonic()
            try:
                self._backlog = await stream.backlog(self._connection(), list(self._backlog))
                self._room = await stream.free_bytes(self._connection())
            except (RedisError, OSError):
                raise Answer(503, "The event queue is not available; try again") from None
        if is_overloaded(self._backlog.values()):
            raise Answer(503, "Too many events are waiting; try again")
        if self._room <= 0:
            raise Answer(503, FULL)

    async def _look_for_room(self, taken: int) -> None:
        """After an append of so many bytes: Redis is asked once a second, and when the last answer is used up."""
        self._room -= OVERHEAD * taken
        if self._room <= 0 or time.monotonic() - self._looked_at > 1:
            self._looked_at = time.monotonic()
            with contextlib.suppress(RedisError, OSError):
                self._room = await stream.free_bytes(self._connection())

    async def close(self) -> None:
        """What was accepted is in the stream already; only wakes on their way and the connection are left."""
        await asyncio.gather(*self._wakes, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    def _connection(self) -> Any:
        if self._redis is None:
            self._redis = stream.connect_async()
        return self._redis


# --- Reading a request ----------------------------------------------------------------------------------------------


def header(scope: Scope, name: bytes) -> bytes:
    """Empty where it was not sent."""
    for key, value in scope["headers"]:  # a generator would cost a POST as much as parsing its event
        if key == name:
            return bytes(value)
    return b""


def given_key(scope: Scope) -> str | None:
    """The class key, from the header or, as the extension can set no header, from the address."""
    if key := header(scope, b"x-class-key"):
        return key.decode("latin-1").strip()
    if b"key=" in scope.get("query_string", b""):
        values = parse_qs(scope["query_string"].decode("latin-1")).get("key")
        return values[0].strip() if values else None
    return None


async def authorise(scope: Scope, events: Sequence[Event]) -> None:
    """Events about instructors change accounts: they count only with an instructor's token, and as far as that
    instructor may change them (events.md section 3.4)."""
    about = [event for event in events if kind_of(event.event_type).is_about_instructor]
    if not about:
        return
    scheme, _, token = header(scope, b"authorization").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        await sync_to_async(_authorise)(token.strip(), about)


def _authorise(token: str, about: Sequence[Event]) -> None:
    try:
        caller = instructor_events.instructor_of(token)
        if caller is not None:
            for event in about:
                event.is_authorised = instructor_events.allows(caller, event)
    except DatabaseError:
        pass  # stored as any other event; nothing is lost but the effect
    finally:
        close_old_connections()


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The inflated body. Raises Answer: 413 past the limit, 400 for a corrupt one, 415 for an unknown encoding."""
    encoding = header(scope, b"content-encoding").lower()
    is_gzip = encoding.decode("latin-1") in gzip_body.NAMES
    if not is_gzip and encoding not in (b"", b"identity"):
        raise Answer(415, f"Unsupported Content-Encoding: {encoding.decode('latin-1')}; send gzip or none")
    limit = settings.EVENT_BODY_LIMIT
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Answer(400, "The request ended before its body did")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            if message.get("more_body", False):
                await read_rest(receive)
            raise Answer(413, too_large_for(limit))
        chunks.append(chunk)
        more = message.get("more_body", False)
    body = b"".join(chunks)
    return inflate(body, limit=limit) if is_gzip else body


async def read_rest(receive: Receive) -> None:
    """Hear the rest of a body that is refused and drop it, HEARD_OUT bytes at most: who sends first and listens then
    finds the answer, and not a closed line."""
    dropped, more = 0, True
    while more and dropped < HEARD_OUT:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)


def inflate(body: bytes, *, limit: int) -> bytes:
    """The content of a gzip body. Raises Answer 400 or 413."""
    try:
        return gzip_body.inflate(body, limit=limit)
    except gzip_body.BadGzip as error:
        raise Answer(400, str(error)) from None
    except gzip_body.TooLong:
        raise Answer(413, f"Inflated body exceeds the maximum size of {limit} bytes") from None


# --- From body to parcels -------------------------------------------------------------------------------------------


def admit_body(body: bytes, *, class_id: int | None) -> Admitted:
    """The events of a body. Raises Answer 413 or 422 where the request is refused as a whole."""
    try:
        records = contract_records.parse(body)
    except contract_records.BadBody as error:
        raise Answer(422, error.problems) from None
    if len(records) > settings.EVENT_BATCH_LIMIT:
        limit = settings.EVENT_BATCH_LIMIT
        raise Answer(413, f"Batch size {len(records)} exceeds maximum allowed size of {limit}")
    received = time.time_ns() // 1_000_000
    events: list[Event] = []
    failed: list[dict[str, Any]] = []
    cut: Counter[str] = Counter()
    for index, record in enumerate(records):
        try:
            schema.refuse_wrong_identity(record, ["body", index])
        except contract_records.BadBody as error:
            raise Answer(422, error.problems) from None
        admitted = schema.admit(record, received=received, class_id=class_id, cut=cut)
        if isinstance(admitted, str):
            failed.append({"index": index, "error": admitted})
        else:
            events.append(admitted)
    if failed and not events:
        raise Answer(
            422, [contract_records.problem(item["error"], "missing", ["body", item["index"]]) for item in failed]
        )
    return Admitted(events, len(records), failed, cut)


def _report(admitted: Admitted, started: float, *, batch: str) -> bytes:
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
