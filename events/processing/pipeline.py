"""The event pipeline: process one batch of stream entries from end to end.

A batch that PostgreSQL refuses is halved until the refused event is alone. That event is set aside with the reason, for
the admin site, and the others are stored. If a server is unavailable, the error propagates, nothing is acknowledged,
and the batch is read again.
"""

import base64
import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction

from core.postgres import is_read_only, pipelined, prepared_statements
from events import metrics as events_metrics
from events import timeseries
from events.changes import Changes
from events.contract import schema
from events.contract.kinds import kind_of
from events.contract.schema import Event
from events.models import OfflineQueueEntry
from events.processing import instructor_events, notifications, store
from events.processing.executions import Rule
from events.queue import stream
from events.queue.shared_lease import SharedLease
from lms import system_settings

logger = logging.getLogger(__name__)


class Origin(NamedTuple):
    """An event, its place (`_place` and position), and the batch id in the answer to its POST."""

    event: Event
    place: str
    batch: str


# Errors of an unavailable database: the batch stays in the stream and is retried.
UNAVAILABLE = (OperationalError, InterfaceError)
# Errors that a single record can cause. Others (a job's timeout, a shutdown) propagate.
RECORD_ERRORS = (
    DatabaseError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def process_batch(entries: Sequence[stream.StreamEntry], *, lease: stream.Lease | SharedLease) -> int:
    """Store these entries, write the time series and notify dashboards. Return the number of events.

    Each step may be repeated. The acknowledgement comes last, so that a crash causes a redelivery and no loss.
    """
    begun = time.perf_counter()
    origins = decode(entries)
    with prepared_statements():
        changes = save(origins, shards={entry.shard for entry in entries})
        timeseries.write(changes)
        notifications.announce_changes(changes)
    lease.acknowledge(entries)
    logger.debug("Processed %d events", len(origins), extra={"batch_id": sorted({entry.batch for entry in entries})})
    _record_metrics([origin.event for origin in origins], seconds=time.perf_counter() - begun)
    return len(origins)


def _record_metrics(events: Sequence[Event], *, seconds: float) -> None:
    """Count the batch, after the acknowledgement, so that a redelivered batch counts once."""
    now = time.time()
    for kind, number in Counter(kind_of(event.event_type).name for event in events).items():
        events_metrics.count("processed", kind or "other", number)
    for received, number in Counter(event.received for event in events).items():
        events_metrics.observe("lag", max(0.0, now - received / 1000), number)
    events_metrics.observe("batch", seconds)
    events_metrics.observe("batch_size", len(events))


def decode(entries: Sequence[stream.StreamEntry]) -> list[Origin]:
    """Return the events of these entries. Set an unreadable entry aside unchanged."""
    origins: list[Origin] = []
    for entry in entries:
        try:
            events = schema.unpack(entry.packed) if entry.packed else []
        except (msgspec.MsgspecError, RecursionError) as error:
            _set_aside(
                {"packed": base64.b64encode(entry.packed).decode()}, None, _place(entry), error, batch=entry.batch
            )
            continue
        origins += [Origin(event, f"{_place(entry)}:{index}", entry.batch) for index, event in enumerate(events)]
    return origins


def _place(entry: stream.StreamEntry) -> str:
    """Return the stream and the id in it. One append gives its entries the same id in every stream: Redis reads the
    clock once for a script."""
    return f"{entry.shard}:{entry.priority}:{entry.id}"


def save(origins: Sequence[Origin], *, shards: Collection[int], is_repeated: bool = False) -> list[Changes]:
    """Store these events of these shards, in one transaction if none is refused. Return each transaction's changes.

    A transaction that broke a constraint is repeated once, as it may be nobody's fault: another shard stored an event
    of the same id, or somebody deleted the notebook, while it ran.
    """
    if not origins:
        return []
    now = datetime.now(UTC)
    try:
        with transaction.atomic():
            rule = current_rule()
            with pipelined():
                for shard in sorted(shards):  # always in this order: nobody who has one waits for a lower one
                    store.lock_shard(shard)
                changes = store.save([origin.event for origin in origins], rule=rule, now=now)
            # In the same transaction as the event's row, so that a repeated event is applied once.
            announcements = [instructor_events.perform(event, now=now) for event in changes.instructor_events]
        for announce in filter(None, announcements):
            announce()
        return [changes]
    except IntegrityError as error:
        if not is_repeated:
            return save(origins, shards=shards, is_repeated=True)
        reason: Exception = error
    except UNAVAILABLE as error:
        if not _is_program_limit(error):
            raise
        reason = error
    except RECORD_ERRORS as error:
        if is_read_only(error):  # no event's fault: the batch waits for the server that takes writes
            raise OperationalError(str(error)) from error
        reason = error
    if len(origins) == 1:
        event, place, batch = origins[0]
        _set_aside(schema.as_sent(event), event, place, reason, batch=batch)
        return []
    middle = len(origins) // 2
    return save(origins[:middle], shards=shards) + save(origins[middle:], shards=shards)


def _is_program_limit(error: Exception) -> bool:
    """Return whether a record exceeds a limit of PostgreSQL: class 54, which psycopg reports as OperationalError."""
    code = getattr(error.__cause__, "sqlstate", None) or ""
    return code.startswith("54")


def current_rule() -> Rule:
    values = system_settings.current()
    return Rule(values["consecutive_error_threshold"], values["error_detection_enabled"])


def _set_aside(data: dict[str, Any], event: Event | None, origin: str, reason: Exception, *, batch: str) -> None:
    """Store the refused record with the reason, once. Cut the texts, so that they cannot be refused again."""
    event_type = event.event_type[:100] if event else "unknown"
    events_metrics.count("set_aside")
    extra = {"batch_id": batch} if batch else {}
    logger.warning("Set aside %s (%s): %s", origin, event_type, type(reason).__name__, extra=extra)
    OfflineQueueEntry.objects.bulk_create(
        [
            OfflineQueueEntry(
                event_data=data,
                event_type=event_type,
                user_id=event.email[:320] or None if event else None,
                status=OfflineQueueEntry.Status.FAILED,
                error=f"EVENT_PROCESSING_{type(reason).__name__}: {str(reason)[:2000]}",
                class_id=event.class_id if event else None,
                is_authorised=event.is_authorised if event else False,
                is_verified=event.is_verified if event else False,
                origin=origin,
            )
        ],
        ignore_conflicts=True,
    )
