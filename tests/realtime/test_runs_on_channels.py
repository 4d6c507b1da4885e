"""From the event to the student's own channel: `execution_update` and `cell_execution` of websocket.md 4.2 and 4.3."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from events.intake import app as intake_app
from events.processing import notifications, pipeline, store
from realtime import broadcast
from tests.events.conftest import event, failing
from tests.realtime.conftest import connected

pytestmark = pytest.mark.django_db(transaction=True)

HANAKO = "/api/v1/ws/hanako@example.com"
START = datetime.now(UTC) - timedelta(minutes=5)


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def process(*records: dict) -> int:
    """Store the records and announce them, as a worker does. Returns the number of queries of announcing."""
    events = intake_app.admit_body(json.dumps(records).encode(), class_id=None).events
    with transaction.atomic():
        changes = store.save(events, rule=pipeline.current_rule(), now=datetime.now(UTC))
    with CaptureQueriesContext(connection) as queries:
        notifications.announce_changes([changes])
    return len(queries)


@pytest.fixture
def sent(monkeypatch):
    """The runs that announcing sends."""
    calls = []
    monkeypatch.setattr(broadcast, "publish_runs", lambda notices, last: calls.append((notices, last)))
    return calls


async def test_execution_update_from_start_to_end(redis):
    async with connected(HANAKO) as hanako, connected("/api/v1/ws/taro@example.com") as taro:
        await database_sync_to_async(process)(event("cell_execution_start", eventTime=at(0)))
        started = await hanako.get("execution_update")
        assert started["data"]["status"] == "executing"
        assert started["channel"] == f"progress:{started['data']['student_id']}"
        await database_sync_to_async(process)(failing(eventTime=at(1), executionDurationMs=12))
        data = (await hanako.get("execution_update"))["data"]
        confirmed = await hanako.get("execution_confirmed")
        assert confirmed["data"] == {"cell_index": 1, "execution_count": 1}
        assert data == {
            "emailAddress": "hanako@example.com",
            "student_id": started["data"]["student_id"],
            "notebookPath": "lesson/演習01.ipynb",
            "cellId": "cell-1",
            "cellIndex": 1,
            "executionCount": 1,
            "status": "error",
            "hasError": True,
            "errorMessage": "NameError: name 'prcies' is not defined",
            "executionDurationMs": 12,
            "consecutiveErrorCount": 1,
        }
        while not await taro.hears_nothing(1.2):
            assert (await taro.hear())["type"] == "progress_update"  # everybody's, of `broadcast`


async def test_dashboard_hears_cell_execution_with_the_total(redis):
    async with connected("/ws") as dashboard:
        await database_sync_to_async(process)(event(eventTime=at(0)), event(cellId="cell-2", eventTime=at(1)))
        data = (await dashboard.get("cell_execution"))["data"]
        assert (data["cellId"], data["cellExecutions"], data["success"]) == ("cell-2", 2, True)
        assert data["executionTime"] == 0.003
        assert await dashboard.hears_nothing(1.2)


def test_of_each_cell_the_latest(redis, sent):
    student = event(emailAddress="Hanako@Example.com")
    process(student)
    redis.zadd("live:progress", {str(sent[0][1]["dashboard"][0][0]): 9e12})
    runs = [event(eventTime=at(n), executionCount=n) for n in range(50)]
    start = event("cell_execution_start", cellId="cell-2", eventTime=at(60))
    process(*runs, failing(cellId="cell-3", eventTime=at(20)), start)
    (notices, last) = sent[-1]
    assert [(run["cellId"], run["status"], run["executionCount"]) for _, run in notices] == [
        ("cell-3", "error", 1),
        ("cell-1", "success", 49),
        ("cell-2", "executing", 1),
    ]
    assert [run["cellId"] for _, run in last["dashboard"]] == ["cell-1"]


def test_run_that_ended_at_once_has_ended(redis, sent):
    process(event())
    redis.zadd("live:progress", {str(sent[0][1]["dashboard"][0][0]): 9e12})
    both = [event(eventTime=at(0)), event("cell_execution_start", eventTime=at(0))]
    process(*both)
    assert [run["status"] for _, run in sent[-1][0]] == ["success"]


def test_nothing_to_channels_that_nobody_joined(redis, sent):
    process(event())
    assert [notices for notices, _ in sent] == [[]]


def test_queries_do_not_grow_with_the_batch(redis, sent):
    few = process(event())
    assert process(*[event(emailAddress=f"s{n}@x.jp", cellId=f"c{n}") for n in range(60)]) == few <= 3
