"""The offline queue: undelivered events, and their delivery to the event pipeline (docs/contract/http.md section 6).

One table stores every undelivered event (`OfflineQueueEntry`):

    queued    waits: the stream was unavailable when it arrived, or it was sent with `force_queue` (`is_forced`)
    syncing   a sync is processing it; if that sync died, the next one processes it again
    failed    it is not a valid event, the pipeline set it aside, or the stream was unavailable at five tries
    synced    it is in the stream
    cleared   it was removed by a person or for lack of space; the admin site still shows it

A sync appends entries to the stream like a POST does. An entry without an event id gets its queue id as one, so that
delivering it twice changes nothing. Only one sync runs at a time: it holds an advisory lock of PostgreSQL, which works
while Redis is unavailable, and is released with the connection if the sync dies.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from core import advisory_locks
from core.postgres import execute, fetch_all
from events.contract import records
from events.contract.schema import Event
from events.models import OfflineQueueEntry
from events.queue.enqueue import QueueUnavailable, enqueue, event_of

Status = OfflineQueueEntry.Status
EnqueueDrains = Callable[[list[int]], None]

MAX_TRIES = 5
BATCH = 50
UNAVAILABLE = "The event queue is not available"
TYPES = ("eventType", "event", "event_type", "type")
IDENTITIES = ("emailAddress", "userId", "user_id", "student_id", "email")


@dataclass(kw_only=True)
class Synced:
    """The result of a sync."""

    total: int = 0
    successful: int = 0
    failed: int = 0

    @property
    def skipped(self) -> int:
        return self.total - self.successful - self.failed


def label(entry: OfflineQueueEntry) -> OfflineQueueEntry:
    """Copy the event's type and sender to the columns that people search."""
    entry.event_type = (_first_text(entry.event_data, TYPES) or "unknown")[:100]
    entry.user_id = _first_text(entry.event_data, IDENTITIES)[:320] or None
    return entry


def _first_text(record: dict[str, Any], names: Iterable[str]) -> str:
    texts = (str(record[name]).strip() for name in names if isinstance(record.get(name), str | int))
    return next(texts, "")


def waiting() -> QuerySet[OfflineQueueEntry]:
    return OfflineQueueEntry.objects.filter(status__in=[Status.QUEUED, Status.SYNCING])


# --- Syncing --------------------------------------------------------------------------------------------------------


def has_waiting() -> bool:
    """Return whether a periodic sync has entries to process. One query."""
    return _not_forced(waiting() | failed_for_now()).exists()


def failed_for_now() -> QuerySet[OfflineQueueEntry]:
    """Return the entries that failed only because the stream was unavailable at every try."""
    return OfflineQueueEntry.objects.filter(status=Status.FAILED, error=UNAVAILABLE)


def _not_forced(entries: QuerySet[OfflineQueueEntry]) -> QuerySet[OfflineQueueEntry]:
    return entries.filter(is_forced=False)


def sync(*, enqueue_drains: EnqueueDrains, by_hand: bool, now: datetime, is_eager: bool = False) -> Synced | None:
    """Try each entry once, in order of priority and age. Return None if another sync is running.

    `by_hand` includes the entries that wait for a requested sync, `is_eager` those whose backoff is not over. The sync
    ends early if the stream is unavailable.
    """
    with _sync_lock() as is_locked:
        if not is_locked:
            return None
        _reset_interrupted(by_hand=by_hand)
        queued = OfflineQueueEntry.objects.filter(status=Status.QUEUED).order_by("priority", "pk")
        queued = queued if by_hand else _not_forced(queued)
        rows = list(queued.values_list("pk", "retry_count", "last_retry_at"))
        due = [pk for pk, tries, last in rows if is_eager or is_due(tries, last, now=now)]
        done = Synced(total=len(rows))
        for start in range(0, len(due), BATCH):
            if not _sync_batch(due[start : start + BATCH], done, enqueue_drains=enqueue_drains, now=now):
                break
        return done


def is_due(tries: int, last: datetime | None, *, now: datetime) -> bool:
    """Return whether 2ⁿ seconds have passed since the last of n tries."""
    return not tries or last is None or now - last >= timedelta(seconds=2 ** min(tries, MAX_TRIES))


def _reset_interrupted(*, by_hand: bool) -> None:
    """Queue the entries again that a sync left behind when it died, and those that failed only because the stream was
    unavailable, which get all their tries again."""
    OfflineQueueEntry.objects.filter(status=Status.SYNCING).update(status=Status.QUEUED)
    again = failed_for_now() if by_hand else _not_forced(failed_for_now())
    again.update(status=Status.QUEUED, retry_count=0)


def _sync_batch(pks: list[int], done: Synced, *, enqueue_drains: EnqueueDrains, now: datetime) -> bool:
    """Deliver a batch in one round trip. Return False if the stream is unavailable."""
    OfflineQueueEntry.objects.filter(pk__in=pks, status=Status.QUEUED).update(status=Status.SYNCING)
    mine = OfflineQueueEntry.objects.filter(pk__in=pks, status=Status.SYNCING)
    results = deliver(list(mine.order_by("priority", "pk")), enqueue_drains=enqueue_drains, now=now)
    done.successful += sum(entry.status == Status.SYNCED for entry in results)
    done.failed += sum(entry.status != Status.SYNCED for entry in results)
    return not any(entry.error == UNAVAILABLE for entry in results)


def deliver(
    entries: list[OfflineQueueEntry], *, enqueue_drains: EnqueueDrains, now: datetime
) -> list[OfflineQueueEntry]:
    """Append these entries to the stream, whatever their status, and record the result in each. Two statements."""
    events, refused = read(entries)
    try:
        shards = enqueue([event for _, event in events]) if events else []
        is_unavailable = False
    except QueueUnavailable:
        shards, is_unavailable = [], True
    for entry in entries:
        entry.last_retry_at = now
    for entry, reason in refused:
        entry.retry_count = min(entry.retry_count + 1, MAX_TRIES)
        entry.status, entry.error = Status.FAILED, reason
    for entry, _ in events:
        if is_unavailable:
            entry.retry_count = min(entry.retry_count + 1, MAX_TRIES)
            entry.status = Status.FAILED if entry.retry_count >= MAX_TRIES else Status.QUEUED
            entry.error = UNAVAILABLE
        else:
            entry.status, entry.error, entry.synced_at = Status.SYNCED, None, now
    changed = ["status", "error", "retry_count", "last_retry_at", "synced_at"]
    OfflineQueueEntry.objects.bulk_update(entries, changed)
    enqueue_drains(shards)
    return entries


def read(
    entries: Sequence[OfflineQueueEntry],
) -> tuple[list[tuple[OfflineQueueEntry, Event]], list[tuple[OfflineQueueEntry, str]]]:
    """Return the events of valid entries, and the reasons why the others are invalid."""
    events, refused = [], []
    for entry in entries:
        received = int(entry.created_at.timestamp() * 1000)
        try:
            event = event_of(entry.event_data, received=received, class_id=entry.class_id)
        except records.BadBody as error:
            refused.append((entry, reasons(error)))
            continue
        if not _has_event_id(entry.event_data):
            event.event_id = str(entry.queue_id)
        event.is_authorised, event.is_verified = entry.is_authorised, entry.is_verified
        events.append((entry, event))
    return events, refused


def reasons(error: records.BadBody) -> str:
    """Return the problems of a record in one line that names the fields."""
    texts = (": ".join([*(str(part) for part in p["loc"][1:]), p["msg"]]) for p in error.problems)
    return f"Not an event: {'; '.join(texts)}"[:2000]


def _has_event_id(record: dict[str, Any]) -> bool:
    return any(isinstance(record.get(name), str) and record[name].strip() for name in ("eventId", "event_id"))


@contextmanager
def _sync_lock() -> Iterator[bool]:
    [[taken]] = fetch_all("SELECT pg_try_advisory_lock(%s, %s)", [advisory_locks.OFFLINE_QUEUE, advisory_locks.SYNCING])
    try:
        yield taken
    finally:
        if taken:
            execute("SELECT pg_advisory_unlock(%s, %s)", [advisory_locks.OFFLINE_QUEUE, advisory_locks.SYNCING])
