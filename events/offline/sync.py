"""The offline queue: events that have not reached the river, and how they get there (docs/contract/http.md section 6).

One table holds every event that is not delivered (`OfflineQueueEntry`):

    queued    it waits: it came while the river could not be reached, or with the wish to wait (`is_forced`)
    syncing   a sync is at it; left behind by one that died, the next sync takes it up again
    failed    it is no event, the river set it aside, or the river was away at five tries
    synced    it is in the river
    cleared   somebody took it out, or it made room; the administration still has it

A sync puts entries into the river on the way of a POST. An entry without an event id gets its queue id as one, so that
one that is put in twice changes nothing. One sync runs at a time: it holds an advisory lock of PostgreSQL, which is
there while Redis is away, and which a sync that dies gives back with its connection.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from events.contract import records
from events.contract.schema import Event
from events.models import OfflineQueueEntry
from events.queue.enqueue import QueueUnavailable, enqueue, event_of

Status = OfflineQueueEntry.Status
Wake = Callable[[list[int]], None]

MOST_TRIES = 5
BATCH = 50
AWAY = "The event queue is not available"
LOCK, SYNCING = 0x6F66666C, 1  # "offl"
TYPES = ("eventType", "event", "event_type", "type")
IDENTITIES = ("emailAddress", "userId", "user_id", "student_id", "email")


@dataclass(kw_only=True)
class Synced:
    """What a sync did."""

    total: int = 0
    successful: int = 0
    failed: int = 0

    @property
    def skipped(self) -> int:
        return self.total - self.successful - self.failed


def label(entry: OfflineQueueEntry) -> OfflineQueueEntry:
    """Copy out of the event what people look for: its kind and its sender."""
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
    """Whether a periodic sync has anything to do. One query."""
    return _by_itself(waiting() | failed_for_now()).exists()


def failed_for_now() -> QuerySet[OfflineQueueEntry]:
    """What only failed because the river was away at every try."""
    return OfflineQueueEntry.objects.filter(status=Status.FAILED, error=AWAY)


def _by_itself(entries: QuerySet[OfflineQueueEntry]) -> QuerySet[OfflineQueueEntry]:
    return entries.filter(is_forced=False)


def sync(*, wake: Wake, by_hand: bool, now: datetime, is_eager: bool = False) -> Synced | None:
    """Try each entry once, in order of priority and age; None where another sync is running. `by_hand` takes those too
    that wait for somebody to ask, `is_eager` those too whose backoff is not over. A river that is away ends it."""
    with _sole() as is_sole:
        if not is_sole:
            return None
        _take_up_again(by_hand=by_hand)
        queued = OfflineQueueEntry.objects.filter(status=Status.QUEUED).order_by("priority", "pk")
        queued = queued if by_hand else _by_itself(queued)
        rows = list(queued.values_list("pk", "retry_count", "last_retry_at"))
        due = [pk for pk, tries, last in rows if is_eager or is_due(tries, last, now=now)]
        done = Synced(total=len(rows))
        for start in range(0, len(due), BATCH):
            if not _sync_batch(due[start : start + BATCH], done, wake=wake, now=now):
                break
        return done


def is_due(tries: int, last: datetime | None, *, now: datetime) -> bool:
    """After n tries, 2ⁿ seconds pass before the next."""
    return not tries or last is None or now - last >= timedelta(seconds=2 ** min(tries, MOST_TRIES))


def _take_up_again(*, by_hand: bool) -> None:
    """What a sync left behind that died, and what only failed because the river was away: that was no fault of
    theirs, so they have all their tries again."""
    OfflineQueueEntry.objects.filter(status=Status.SYNCING).update(status=Status.QUEUED)
    again = failed_for_now() if by_hand else _by_itself(failed_for_now())
    again.update(status=Status.QUEUED, retry_count=0)


def _sync_batch(pks: list[int], done: Synced, *, wake: Wake, now: datetime) -> bool:
    """One round trip to the stream. False where the river is away."""
    OfflineQueueEntry.objects.filter(pk__in=pks, status=Status.QUEUED).update(status=Status.SYNCING)
    mine = OfflineQueueEntry.objects.filter(pk__in=pks, status=Status.SYNCING)
    results = put_back(list(mine.order_by("priority", "pk")), wake=wake, now=now)
    done.successful += sum(entry.status == Status.SYNCED for entry in results)
    done.failed += sum(entry.status != Status.SYNCED for entry in results)
    return not any(entry.error == AWAY for entry in results)


def put_back(entries: list[OfflineQueueEntry], *, wake: Wake, now: datetime) -> list[OfflineQueueEntry]:
    """Put these into the river, whatever their status; each says afterwards what became of it. Two statements."""
    events, refused = read(entries)
    try:
        shards = enqueue([event for _, event in events]) if events else []
        is_away = False
    except QueueUnavailable:
        shards, is_away = [], True
    for entry in entries:
        entry.last_retry_at = now
    for entry, reason in refused:
        entry.retry_count = min(entry.retry_count + 1, MOST_TRIES)
        entry.status, entry.error = Status.FAILED, reason
    for entry, _ in events:
        if is_away:
            entry.retry_count = min(entry.retry_count + 1, MOST_TRIES)
            entry.status = Status.FAILED if entry.retry_count >= MOST_TRIES else Status.QUEUED
            entry.error = AWAY
        else:
            entry.status, entry.error, entry.synced_at = Status.SYNCED, None, now
    changed = ["status", "error", "retry_count", "last_retry_at", "synced_at"]
    OfflineQueueEntry.objects.bulk_update(entries, changed)
    wake(shards)
    return entries


def read(
    entries: Sequence[OfflineQueueEntry],
) -> tuple[list[tuple[OfflineQueueEntry, Event]], list[tuple[OfflineQueueEntry, str]]]:
    """The events that entries mean, and why the others mean none."""
    events, refused = [], []
    for entry in entries:
        received = int(entry.created_at.timestamp() * 1000)
        try:
            event = event_of(entry.event_data, received=received, class_id=entry.class_id)
        except records.BadBody as error:
            refused.append((entry, reasons(error)))
            continue
        if not _names_itself(entry.event_data):
            event.event_id = str(entry.queue_id)
        event.is_authorised = entry.is_authorised
        events.append((entry, event))
    return events, refused


def reasons(error: records.BadBody) -> str:
    """What is wrong with a record, in one line that names the fields."""
    said = (": ".join([*(str(part) for part in p["loc"][1:]), p["msg"]]) for p in error.problems)
    return f"Not an event: {'; '.join(said)}"[:2000]


def _names_itself(record: dict[str, Any]) -> bool:
    return any(isinstance(record.get(name), str) and record[name].strip() for name in ("eventId", "event_id"))


@contextmanager
def _sole() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, SYNCING])
        [taken] = cursor.fetchone() or [False]
    try:
        yield taken
    finally:
        if taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, SYNCING])
