"""The batch_id that a POST was answered with stands in the log wherever its events go."""

import asyncio
import json
import logging

from events.contract import schema
from events.intake import app as intake_app
from events.processing import pipeline
from events.queue import appending, stream
from events.queue.enqueue import outgoing_entries
from tests.events.conftest import event


def append(event_pipeline, batch: str) -> None:
    admitted = intake_app.admit_body(json.dumps([event()]).encode(), class_id=None)

    async def send() -> None:
        redis = stream.connect_async()
        await appending.append(redis, outgoing_entries(admitted.events, batch=batch))
        await redis.aclose()

    asyncio.run(send())


def test_it_travels_with_the_entry(event_pipeline):
    append(event_pipeline, "cafe0001")
    append(event_pipeline, "")
    assert [entry.batch for entry in event_pipeline.lease().read(count=5)] == ["cafe0001", ""]


def test_an_event_that_is_set_aside_names_it(event_pipeline, monkeypatch, caplog):
    def refuses(*_, **__):
        raise ValueError

    append(event_pipeline, "cafe0001")
    monkeypatch.setattr(pipeline.store, "save", refuses)
    with caplog.at_level(logging.WARNING):
        event_pipeline.drain()
    assert [record.batch_id for record in caplog.records if "Set aside" in record.message] == ["cafe0001"]


def test_entries_of_before_are_still_read(event_pipeline):
    packed = schema.pack(intake_app.admit_body(json.dumps([event()]).encode(), class_id=None).events)
    shard = schema.shard_of("hanako@example.com", 2)
    event_pipeline.redis.xadd(stream.stream_key(shard, "high"), {"b": packed})
    event_pipeline.redis.sadd(stream.SHARDS_KEY, shard)
    assert [entry.batch for entry in event_pipeline.lease().read(count=5)] == [""]
