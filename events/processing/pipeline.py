"""The river: one batch of entries, end to end.

A batch that PostgreSQL refuses is halved until the one event that it refuses stands alone; that event is set aside
with its reason, where the admin shows it, and its neighbours go on. A server that is away is nobody's fault: that
error passes through, nothing is acknowledged, and the batch comes again.
"""

import base64
import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from django.db import DatabaseError, InterfaceError, OperationalError, transaction

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
from lms import system_settings

logger = logging.getLogger(__name__)


class Origin(NamedTuple):
    """An event, where it came from (stream entry and position), and the batch that its POST was answered with."""

    event: Event
    place: str
    batch: str


# What says "not now" rather than "not this": the batch is kept and tried again.
UNAVAILABLE = (OperationalError, InterfaceError)
# What a single record can bring about. Anything else (a job's timeout, a shutdown) is not the record's doing.
ABOUT_A_RECORD = (
    DatabaseError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def process_batch(entries: Sequence[stream.StreamEntry], *, lease: stream.Lease) -> int:
    """Carry these entries to PostgreSQL, to the time series and to the screens. Returns the number of events.

    Each step may be repeated; the acknowledgement is last, so a crash costs one redelivery and nothing else.
    """
    begun = time.perf_counter()
    origins = decode(entries)
    changes = save(origins, shard=lease.shard)
    timeseries.write(changes)
    notifications.announce(changes)
    lease.acknowledge(entries)
    logger.debug("Carried %d events", len(origins), extra={"batch_id": sorted({entry.batch for entry in entries})})
    _measure([origin.event for origin in origins], seconds=time.perf_counter() - begun)
    return len(origins)


def _measure(events: Sequence[Event], *, seconds: float) -> None:
    """After the acknowledgement: a batch that comes again counts once."""
    now = time.time()
    for kind, number in Counter(kind_of(event.event_type).name for event in events).items():
        events_metrics.count("processed", kind or "other", number)
    for received, number in Counter(event.received for event in events).items():
        events_metrics.observe("lag", max(0.0, now - received / 1000), number)
    events_metrics.observe("batch", seconds)
    events_metrics.observe("batch_size", len(events))


def decode(entries: Sequence[stream.StreamEntry]) -> list[Origin]:
    """The events of these entries. An entry that cannot be read is set aside as it is."""
    origins: list[Origin] = []
    for entry in entries:
        try:
            events = schema.unpack(entry.packed) if entry.packed else []
        except (msgspec.MsgspecError, RecursionError) as error:
            _set_aside({"packed": base64.b64encode(entry.packed).decode()}, None, entry.id, error, batch=entry.batch)
            continue
        origins += [Origin(event, f"{entry.id}:{index}", entry.batch) for index, event in enumerate(events)]
    return origins


def save(origins: Sequence[Origin], *, shard: int) -> list[Changes]:
    """Store these events, in one transaction if nothing is wrong with any. Returns what each transaction changed."""
    if not origins:
        return []
    now = datetime.now(UTC)
    try:
        with transaction.atomic():
            store.lock_shard(shard)
            changes = store.save([origin.event for origin in origins], rule=current_rule(), now=now)
            # In the same transaction as the event's row: done once, however often the event comes.
            told = [instructor_events.perform(event, now=now) for event in changes.duties]
        for tell in filter(None, told):
            tell()
        return [changes]
    except UNAVAILABLE as error:
        if not _is_about_the_batch(error):
            raise
        reason: Exception = error
    except ABOUT_A_RECORD as error:
        reason = error
    if len(origins) == 1:
        event, place, batch = origins[0]
        _set_aside(schema.as_sent(event), event, place, reason, batch=batch)
        return []
    middle = len(origins) // 2
    return save(origins[:middle], shard=shard) + save(origins[middle:], shard=shard)


def _is_about_the_batch(error: Exception) -> bool:
    """Limits that a record itself exceeds are filed by PostgreSQL under "operational": class 54, program limits."""
    code = getattr(error.__cause__, "sqlstate", None) or ""
    return code.startswith("54")


def current_rule() -> Rule:
    values = system_settings.current()
    return Rule(values["consecutive_error_threshold"], values["error_detection_enabled"])


def _set_aside(data: dict[str, Any], event: Event | None, origin: str, reason: Exception, *, batch: str) -> None:
    """Keep what could not be stored, with the reason, once. Its text must not be what fails a second time."""
    event_type = event.event_type[:100] if event else "unknown"
    events_metrics.count("set_aside")
    facts = {"batch_id": batch} if batch else {}
    logger.warning("Set aside %s (%s): %s", origin, event_type, type(reason).__name__, extra=facts)
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
                origin=origin,
            )
        ],
        ignore_conflicts=True,
    )
