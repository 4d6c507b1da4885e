"""The intake: an ASGI application beside Django that validates a POST of events and appends them to the stream.

It does as little work as possible, because a class of 200 students posts to it all day: no session, no template, no
query (`events.intake.class_keys` caches class keys and student tokens). Requests that arrive during an append share the
next one. Source: docs/contract/events.md section 1.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from core.asgi import Receive, Scope, Send, header
from core.json_size import TooManyValues
from events import metrics as events_metrics
from events.contract import records as contract_records
from events.contract import schema
from events.contract.kinds import kind_of
from events.contract.schema import Event
from events.intake.appender import Appender
from events.intake.class_keys import ClassKeyCache, KeyRefused, StudentTokenCache
from events.intake.rate_limit import RateLimiter
from events.intake.request import RequestRefused, credentials, read_body
from events.processing import instructor_events
from events.queue.enqueue import outgoing_entries

logger = logging.getLogger(__name__)

RETRY_AFTER = b"2"  # seconds; the deployed extension ignores it, other clients may not


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
        admitted = admit_body(
            await read_body(scope, receive), class_id=class_id, student=student, former=former
        )  # the body has no name here, so it is freed
        await authorise(scope, admitted.events)
        batch = f"{random.getrandbits(32):08x}"  # not a secret; `secrets` would cost as much as parsing
        queued, cut, stats = len(admitted.events), admitted.cut, _batch_stats(admitted, batch=batch)
        if queued:
            await self._appender.check_overload()
            entries = outgoing_entries(admitted.events, batch=batch)
            del admitted  # what waits for Redis is held once, packed: half the memory of a flood
            await self._appender.append_entries(entries, batch=batch)
            self._rate_limiter.record(class_id, queued, started)
            events_metrics.count("received", number=queued)
        if cut:
            logger.info("Cut what was too long: %s", dict(cut), extra={"batch_id": batch})
        stats["total_processing_time_ms"] = round((time.perf_counter() - started) * 1000)
        message = f"{queued} events received and queued for processing."
        return msgspec.json.encode({"message": message, "batch_stats": stats})

    def _refuse_excess(self, class_id: int | None) -> None:
        """Refuse a class that exceeds its rate, before reading the body, to save work. Raises RequestRefused(503)."""
        events_metrics.count("shed")
        if time.monotonic() - self._warned_at > 60:
            self._warned_at = time.monotonic()
            logger.warning("Class %s sends more than its share while others wait; it is refused with 503", class_id)
        raise RequestRefused(503, "This class sends more events than its share; try again")


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


def _batch_stats(admitted: Admitted, *, batch: str) -> dict[str, Any]:
    """Return `batch_stats` of the answer without the time that the request took."""
    queued = len(admitted.events)
    return {
        "batch_id": batch,
        "total_events": admitted.total,
        "successful_events": queued,
        "failed_events": admitted.failed,
        **({"cut_fields": admitted.cut} if admitted.cut else {}),
        "event_types": Counter(event.event_type for event in admitted.events),
        "validation_success_rate": round(100 * queued / admitted.total, 1) if admitted.total else 100.0,
    }


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
