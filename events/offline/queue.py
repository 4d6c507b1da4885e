"""Accepting records for the offline queue: append them to the stream if it is available, else store them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction

from core import advisory_locks
from core.postgres import execute
from events.contract import records as contract_records
from events.models import OfflineQueueEntry
from events.offline import sync as offline_sync
from events.offline.sync import EnqueueDrains
from events.queue.enqueue import QueueUnavailable, enqueue

logger = logging.getLogger(__name__)

Status = OfflineQueueEntry.Status

MAX_QUEUED = 1000
OLD_AGE = timedelta(days=7)  # after which an entry of low priority may be dropped for new ones
FULL = "The offline queue is full"
UNAVAILABLE = "The offline queue is not available"


@dataclass(kw_only=True)
class AcceptedRecords:
    """The result for the records of one request; each record is in exactly one of the two lists."""

    entries: list[OfflineQueueEntry] = field(default_factory=list)
    failed: list[tuple[dict[str, Any], str]] = field(default_factory=list)  # record, reason


def take(
    records: Sequence[dict[str, Any]],
    *,
    priority: int,
    is_forced: bool,
    class_id: int | None,
    is_authorised: Callable[[dict[str, Any]], bool],
    enqueue_drains: EnqueueDrains,
    now: datetime,
) -> AcceptedRecords:
    """Append the records to the stream. Queue invalid ones, and all if `is_forced` or if the stream is unavailable.

    At most five statements for queued records, none if all are appended.
    """
    entries = [
        offline_sync.label(
            OfflineQueueEntry(
                event_data=contract_records.storable(record),
                priority=priority,
                class_id=class_id,
                is_authorised=is_authorised(record),
                is_forced=is_forced,
                created_at=now,
            )
        )
        for record in records
    ]
    delivered = set() if is_forced else _deliver_now(entries, enqueue_drains)
    left = [entry for entry in entries if entry.queue_id not in delivered]
    failed: dict[Any, str] = {}
    if left:
        try:
            failed = {entry.queue_id: FULL for entry in _store(left, now=now)}
        except DatabaseError as error:
            logger.warning("The offline queue does not take events: %s", error)
            failed = {entry.queue_id: UNAVAILABLE for entry in left}
    return AcceptedRecords(
        entries=[entry for entry in entries if entry.queue_id not in failed],
        failed=[(entry.event_data, failed[entry.queue_id]) for entry in entries if entry.queue_id in failed],
    )


def _deliver_now(entries: Sequence[OfflineQueueEntry], enqueue_drains: EnqueueDrains) -> set[Any]:
    """Append the valid events to the stream. Return the queue ids of the delivered entries."""
    events, _ = offline_sync.read(entries)
    try:
        if events:
            enqueue_drains(enqueue([event for _, event in events]))
    except QueueUnavailable:
        return set()
    return {entry.queue_id for entry, _ in events}


def _store(entries: list[OfflineQueueEntry], *, now: datetime) -> list[OfflineQueueEntry]:
    """Store the entries, dropping old ones of low priority. Return the entries for which there is no space."""
    with transaction.atomic():
        # Make counting and inserting atomic, so that the limit holds.
        execute("SELECT pg_advisory_xact_lock(%s, %s)", [advisory_locks.OFFLINE_QUEUE, advisory_locks.STORING])
        space = MAX_QUEUED - offline_sync.waiting().count()
        if space < len(entries):
            old = (
                offline_sync.waiting()
                .filter(status=Status.QUEUED, priority=3, created_at__lt=now - OLD_AGE)
                .order_by("created_at")
            )
            dropped = list(old.values_list("pk", flat=True)[: len(entries) - max(space, 0)])
            reason = f"{FULL}: dropped for newer events"
            space += OfflineQueueEntry.objects.filter(pk__in=dropped).update(status=Status.CLEARED, error=reason)
        space = max(space, 0)
        OfflineQueueEntry.objects.bulk_create(entries[:space])
    return entries[space:]
