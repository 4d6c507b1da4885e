"""The state of the offline queue, and its failed entries (docs/contract/http.md section 6)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet

from core import advisory_locks
from core.identity import email_key
from core.postgres import fetch_all
from events.models import OfflineQueueEntry
from events.offline import queue as offline_queue
from events.offline import sync as offline_sync
from events.queue import stream
from lms.access import User, class_ids_of, students_of

Status = OfflineQueueEntry.Status

# Thresholds of the queue's health: share of its capacity, number of failed entries.
CRITICAL, WARNING, GOOD = (0.9, 100), (0.7, 50), 0.3


@dataclass(frozen=True, kw_only=True)
class QueueState:
    is_online: bool
    sync_in_progress: bool
    queued: int
    failed: int
    by_priority: dict[str, int]
    last_sync_attempt: datetime | None

    @property
    def capacity_used(self) -> float:
        return min(1.0, self.queued / offline_queue.MAX_QUEUED)

    @property
    def health(self) -> str:
        used = self.capacity_used
        if used > CRITICAL[0] or self.failed > CRITICAL[1]:
            return "critical"
        if used > WARNING[0] or self.failed > WARNING[1]:
            return "warning"
        return "good" if used > GOOD or self.queued else "excellent"

    @property
    def recommendations(self) -> list[str]:
        texts = []
        if not self.is_online:
            texts.append("The event queue cannot be reached: queued events wait and are synced once it is back.")
        if self.capacity_used > WARNING[0]:
            texts.append("The offline queue is nearly full: sync it, or new events are refused.")
        elif self.queued and self.is_online and not self.sync_in_progress:
            texts.append("Events wait in the offline queue: start a sync.")
        if self.failed:
            texts.append("Some events failed: see why in failed-events, correct them in the administration.")
        return texts

    def as_json(self) -> dict[str, Any]:
        """Return `queue_status` of the contract, with the field names of the earlier server."""
        return {
            "is_online": self.is_online,
            "sync_in_progress": self.sync_in_progress,
            "total_queued_events": self.queued,
            "failed_events": self.failed,
            "priority_breakdown": self.by_priority,
            "queue_capacity_used": round(self.capacity_used, 4),
            "last_sync_attempt": self.last_sync_attempt,
            "queue_size": self.queued,
            "network_status": "online" if self.is_online else "offline",
            "last_sync_time": self.last_sync_attempt,
        }


def state() -> QueueState:
    """Return the state of the queue. Three queries and a ping."""
    waits = Q(status__in=[Status.QUEUED, Status.SYNCING])
    undelivered = OfflineQueueEntry.objects.filter(waits | Q(status=Status.FAILED)).order_by()
    counts = undelivered.aggregate(
        queued=Count("pk", filter=waits),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        **{f"of_{priority}": Count("pk", filter=waits & Q(priority=priority)) for priority in (1, 2, 3)},
    )
    return QueueState(
        is_online=stream.is_reachable(),
        sync_in_progress=_is_syncing(),
        queued=counts["queued"],
        failed=counts["failed"],
        by_priority={str(priority): counts[f"of_{priority}"] for priority in (1, 2, 3)},
        last_sync_attempt=OfflineQueueEntry.objects.aggregate(latest=Max("last_retry_at"))["latest"],
    )


def _is_syncing() -> bool:
    [[found]] = fetch_all(
        """SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND classid = %s AND objid = %s AND objsubid = 2)""",
        [advisory_locks.OFFLINE_QUEUE, advisory_locks.SYNCING],
    )
    return bool(found)


def failed_entries(user: User) -> QuerySet[OfflineQueueEntry]:
    """Return the failed entries that this user may see, newest first.

    An admin sees all. Others see those with a key of their classes and, unless EVENTS_REQUIRE_KEY is set, those of
    their students without a key.
    """
    failed = OfflineQueueEntry.objects.filter(status=Status.FAILED).order_by("-pk")
    if user.is_admin:
        return failed
    visible = Q(class_id__in=class_ids_of(user))
    if not settings.EVENTS_REQUIRE_KEY:
        # An entry has the address as it was sent, so compare by its key.
        sent: dict[str, list[str]] = {}
        keyless = failed.filter(class_id=None).exclude(user_id=None)
        for address in keyless.order_by().values_list("user_id", flat=True).distinct():
            sent.setdefault(email_key(address or ""), []).append(address or "")
        known = students_of(user).filter(email_key__in=list(sent)).values_list("email_key", flat=True)
        visible |= Q(class_id=None, user_id__in=[address for key in known for address in sent[key]])
    return failed.filter(visible)


def clear() -> tuple[int, int]:
    """Clear all undelivered entries. Return the numbers of waiting and of failed ones. Two statements."""
    waited = offline_sync.waiting().update(status=Status.CLEARED)
    failed = OfflineQueueEntry.objects.filter(status=Status.FAILED).update(status=Status.CLEARED)
    return waited, failed
