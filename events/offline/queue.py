"""Records that the offline queue is given: into the river where it can be reached, into the table where not."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction

from events.contract import records as contract_records
from events.models import OfflineQueueEntry
from events.offline import sync as offline_sync
from events.offline.sync import Wake
from events.queue.enqueue import QueueUnavailable, enqueue

logger = logging.getLogger(__name__)

Status = OfflineQueueEntry.Status

MOST_QUEUED = 1000
OLD = timedelta(days=7)  # an entry of low priority that may make room for new ones
FULL = "The offline queue is full"
GONE = "The offline queue is not available"
QUEUING = 2  # beside offline.SYNCING


@dataclass(kw_only=True)
class Taken:
    """What became of the records of one request; every one of them is in exactly one of the two lists."""

    entries: list[OfflineQueueEntry] = field(default_factory=list)
    failed: list[tuple[dict[str, Any], str]] = field(default_factory=list)  # record, reason


def take(
    records: Sequence[dict[str, Any]],
    *,
    priority: int,
    is_forced: bool,
    class_id: int | None,
    is_authorised: Callable[[dict[str, Any]], bool],
    wake: Wake,
    now: datetime,
) -> Taken:
    """Put the records into the river if it can be reached; queue those that are no events, all that must wait, and
    everything while it cannot. Five statements at most for what is queued, none where all goes to the river."""
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
    delivered = set() if is_forced else _deliver_now(entries, wake)
    left = [entry for entry in entries if entry.queue_id not in delivered]
    failed: dict[Any, str] = {}
    if left:
        try:
            failed = {entry.queue_id: FULL for entry in _store(left, now=now)}
        except DatabaseError as error:
            logger.warning("The offline queue does not take events: %s", error)
            failed = {entry.queue_id: GONE for entry in left}
    return Taken(
        entries=[entry for entry in entries if entry.queue_id not in failed],
        failed=[(entry.event_data, failed[entry.queue_id]) for entry in entries if entry.queue_id in failed],
    )


def _deliver_now(entries: Sequence[OfflineQueueEntry], wake: Wake) -> set[Any]:
    """The queue ids of what is in the river now."""
    events, _ = offline_sync.read(entries)
    try:
        if events:
            wake(enqueue([event for _, event in events]))
    except QueueUnavailable:
        return set()
    return {entry.queue_id for entry, _ in events}


def _store(entries: list[OfflineQueueEntry], *, now: datetime) -> list[OfflineQueueEntry]:
    """Queue them, and return those for which there is no room. Old ones of low priority make room."""
    with transaction.atomic():
        with connection.cursor() as cursor:  # counting and inserting are one step, so that the cap holds
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [offline_sync.LOCK, QUEUING])
        room = MOST_QUEUED - offline_sync.waiting().count()
        if room < len(entries):
            old = (
                offline_sync.waiting()
                .filter(status=Status.QUEUED, priority=3, created_at__lt=now - OLD)
                .order_by("created_at")
            )
            dropped = list(old.values_list("pk", flat=True)[: len(entries) - max(room, 0)])
            reason = f"{FULL}: dropped for newer events"
            room += OfflineQueueEntry.objects.filter(pk__in=dropped).update(status=Status.CLEARED, error=reason)
        room = max(room, 0)
        OfflineQueueEntry.objects.bulk_create(entries[:room])
    return entries[room:]
