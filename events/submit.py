"""Events from a synchronous caller: the same way as those of a POST, one at a time."""

import asyncio
from typing import Any

import msgspec
from redis.exceptions import RedisError

from events import jobs, schema, stream, wire
from events.intake import Answer, parcels_of
from events.schema import Event
from events.stream import Backlog
from events.wire import Record


def submit(record: dict[str, Any], *, received: int) -> None:
    """Queue one record under the names of the event contract. Raises wire.BadBody and intake.Answer(503)."""
    record = wire.storable(record)
    problems = wire.type_problems(record, ["body"])
    if problems:
        raise wire.BadBody(problems)
    known = msgspec.convert(record, Record, strict=False)
    schema.refuse_wrong_identity(known, ["body"])
    event = schema.admit(known, received=received)
    if not isinstance(event, Event):
        raise wire.BadBody([wire.problem(event, "missing", ["body"])])
    try:
        for shard, state in asyncio.run(_append(event)).items():
            if state.wake:
                jobs.wake(shard)
    except (RedisError, OSError):
        raise Answer(503, "The event queue is not available; try again") from None


async def _append(event: Event) -> dict[int, Backlog]:
    redis = stream.connect_async()
    try:
        return await stream.append(redis, parcels_of([event]))
    finally:
        await redis.aclose()
