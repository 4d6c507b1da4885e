"""A run with an id is shown as executing until its own end: `execution_update`, websocket.md section 4.2."""

from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async

from tests.events.conftest import event
from tests.realtime.conftest import connected
from tests.realtime.test_runs_on_channels import HANAKO, at, process, sent  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notices(redis, sent):  # noqa: F811
    """Process records while somebody listens to Hanako; return what her channel is told."""
    process(event(cellId="cell-0", eventTime=at(-1)))
    redis.zadd("live:progress", {str(sent[0][1]["dashboard"][0][0]): 9e12})

    def told(*records):
        sent.clear()
        process(*records)
        return [(run["cellId"], run["status"], run.get("runId")) for runs, _ in sent for _, run in runs]

    return told


def start(run_id, seconds, **fields):
    return event("cell_execution_start", eventTime=at(seconds), metadata={"runId": run_id}, **fields)


def end(run_id, seconds, **fields):
    return event(eventTime=at(seconds), metadata={"runId": run_id}, **fields)


async def test_an_interrupted_run_ends_on_the_channel(redis):
    async with connected(HANAKO) as hanako:
        await database_sync_to_async(process)(start("m-1", 0))
        started = (await hanako.get("execution_update"))["data"]
        assert (started["status"], started["runId"]) == ("executing", "m-1")
        await database_sync_to_async(process)(end("m-1", 1, status="aborted", errorMessage="KeyboardInterrupt: "))
        ended = (await hanako.get("execution_update"))["data"]
        assert (ended["status"], ended["hasError"], ended["runId"]) == ("aborted", False, "m-1")


def test_start_that_comes_after_its_end_says_nothing(notices):
    assert notices(end("m-1", 5)) == [("cell-1", "success", "m-1")]
    assert notices(start("m-1", 0)) == []


def test_start_of_the_next_run_is_told(notices):
    notices(start("m-1", 0), end("m-1", 5))
    assert notices(start("m-2", 6)) == [("cell-1", "executing", "m-2")]


def test_another_students_run_of_that_id_ends_nothing(notices):
    notices(end("m-1", 5, emailAddress="taro@example.com"))
    assert notices(start("m-1", 0)) == [("cell-1", "executing", "m-1")]


def test_start_of_a_day_ago_says_nothing(notices):
    long_ago = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    assert notices(event("cell_execution_start", eventTime=long_ago, metadata={"runId": "m-1"})) == []
    without_id = event("cell_execution_start", eventTime=long_ago, cellId="cell-2")
    assert notices(without_id) == [("cell-2", "executing", None)], "which means what it meant"


def test_run_that_only_looks_aborted_is_not_told_as_before(notices):
    never_ran = event(eventTime=at(1), executionCount=None, result=None)
    assert notices(never_ran) == []
