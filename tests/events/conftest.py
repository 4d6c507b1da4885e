"""The event pipeline in one process: real PostgreSQL and Redis, the intake's functions, one drain after another."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from events.contract import schema
from events.intake import app as intake_app
from events.processing import pipeline
from events.queue import appending, stream
from events.queue.enqueue import outgoing_entries


class EventPipeline:
    """What a POST does and what a worker does, callable one at a time."""

    def __init__(self) -> None:
        self.redis = stream.connect()

    def post(self, *records: dict[str, Any], class_id: int | None = None) -> None:
        """Post the records and process them."""
        self.append(*records, class_id=class_id)
        self.drain()

    def append(self, *records: dict[str, Any], class_id: int | None = None) -> None:
        self.put(intake_app.admit_body(json.dumps(records).encode(), class_id=class_id).events)

    def append_uncut(self, *records: dict[str, Any], class_id: int | None = None) -> None:
        """Append them as an older version did, which cut nothing that is too long for its column."""
        fit, schema._fit = schema._fit, lambda event, cut: None
        try:
            self.append(*records, class_id=class_id)
        finally:
            schema._fit = fit

    def put(self, events: list[schema.Event]) -> None:
        async def send() -> None:
            redis = stream.connect_async()
            await appending.append(redis, outgoing_entries(events))
            await redis.aclose()

        asyncio.run(send())

    def lease(self) -> stream.Lease:
        """The lease of Hanako's shard, taken."""
        lease = stream.Lease(self.redis, schema.shard_of("hanako@example.com", settings.EVENT_SHARDS))
        assert lease.take()
        return lease

    def drain(self) -> None:
        for shard in range(settings.EVENT_SHARDS):
            lease = stream.Lease(self.redis, shard)
            assert lease.take()
            while entries := lease.read(count=100):
                pipeline.process_batch(entries, lease=lease)
            assert lease.finish()


@pytest.fixture
def event_pipeline(redis, db) -> Iterator[EventPipeline]:
    made = EventPipeline()
    yield made
    made.redis.close()


class Clock:
    """Times of a lesson, in the past so that nothing is clamped: `clock(seconds)` is an ISO time."""

    def __init__(self) -> None:
        self.start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)

    def at(self, seconds: float) -> datetime:
        return self.start + timedelta(seconds=seconds)

    def __call__(self, seconds: float) -> str:
        return self.at(seconds).isoformat().replace("+00:00", "Z")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def event(kind: str = "cell_executed", **fields: Any) -> dict[str, Any]:
    """An event of Hanako's, as the extension sends it; a field given as None is left out."""
    record = {
        "eventId": str(uuid.uuid4()),
        "eventType": kind,
        "eventTime": datetime.now(UTC).isoformat(),
        "emailAddress": "hanako@example.com",
        "userName": "山田 花子",
        "teamName": "チームA",
        "sessionId": "session-1",
        "notebookPath": "lesson/演習01.ipynb",
    }
    if kind.startswith("cell"):
        record |= {
            "cellId": "cell-1",
            "cellIndex": 1,
            "cellType": "code",
            "code": "print(1)",
            "hasError": False,
            "result": "1",
            "executionCount": 1,
            "executionDurationMs": 3,
        }
    return {name: value for name, value in {**record, **fields}.items() if value is not None}


def failing(**fields: Any) -> dict[str, Any]:
    message = "NameError: name 'prcies' is not defined"
    return event(**{"hasError": True, "errorMessage": message, "result": message, **fields})
