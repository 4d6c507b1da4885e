"""Preparing events for the stream, and appending them for synchronous callers.

The intake (`events.intake.app`) prepares its entries with this module, and appends those of many requests at a time.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from django.conf import settings
from redis.exceptions import RedisError

from events import metrics as events_metrics
from events.contract import records, schema
from events.contract.kinds import kind_of
from events.contract.records import Record
from events.contract.schema import Event
from events.queue import appending, stream
from events.queue.appending import Backlog, OutgoingEntry

# Of one stream entry; a larger one is split between events, so that batches stay small.
MAX_ENTRY_BYTES = 256 * 1024


class QueueUnavailable(Exception):
    """No event was appended, because Redis is unavailable or the backlog is too large."""


def event_of(record: Any, *, received: int, class_id: int | None = None) -> Event:
    """Return the event of one record, validated like by the intake. `received` is in ms since the epoch. Raises
    BadBody."""
    record = records.storable(record)
    problems = records.type_problems(record, ["body"])
    if problems:
        raise records.BadBody(problems)
    known = msgspec.convert(record, Record, strict=False)
    schema.refuse_wrong_identity(known, ["body"])
    event = schema.admit(known, received=received, class_id=class_id)
    if not isinstance(event, Event):
        raise records.BadBody([records.problem(event, "missing", ["body"])])
    return event


def outgoing_entries(events: Sequence[Event], *, batch: str = "") -> list[OutgoingEntry]:
    """Return the events packed by shard and priority, in the order of the request."""
    groups: dict[tuple[int, Any], list[Event]] = {}
    shards = settings.EVENT_SHARDS
    for event in events:
        shard = schema.shard_of(event.email, shards)
        groups.setdefault((shard, kind_of(event.event_type).priority), []).append(event)
    return [
        OutgoingEntry(shard, priority, packed, batch)
        for (shard, priority), group in groups.items()
        for packed in _packed(group)
    ]


def _packed(events: list[Event]) -> list[bytes]:
    packed = schema.pack(events)
    if len(packed) <= MAX_ENTRY_BYTES or len(events) == 1:
        return [packed]
    middle = len(events) // 2
    return _packed(events[:middle]) + _packed(events[middle:])


def is_overloaded(backlogs: Iterable[Backlog], *, share: float = 1) -> bool:
    """Return whether the backlogs exceed this share of EVENT_BACKLOG_LIMIT or EVENT_BACKLOG_BYTES."""
    entries = held = 0
    for state in backlogs:
        entries, held = entries + state.entries, held + state.bytes
    return entries >= settings.EVENT_BACKLOG_LIMIT * share or held >= settings.EVENT_BACKLOG_BYTES * share


def enqueue(events: Sequence[Event]) -> list[int]:
    """Append all events or none. Return the shards for which a drain must be enqueued. Raises QueueUnavailable.

    Do not call this in a thread with a running event loop.
    """
    if not stream.is_reachable():
        raise QueueUnavailable
    try:
        return asyncio.run(_enqueue(outgoing_entries(events), len(events)))
    except (RedisError, OSError) as error:
        raise QueueUnavailable from error


async def _enqueue(entries: list[OutgoingEntry], count: int) -> list[int]:
    redis = stream.connect_async()
    try:
        waiting = await appending.backlog(redis, {entry.shard for entry in entries})
        if is_overloaded(waiting.values()) or await appending.free_bytes(redis) <= 0:
            raise QueueUnavailable
        appended = await appending.append(redis, entries)
        events_metrics.count("received", number=count)
    finally:
        await redis.aclose()
    return [shard for shard, state in appended.items() if state.needs_drain]
