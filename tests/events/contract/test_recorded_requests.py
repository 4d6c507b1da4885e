"""Every request recorded from the real extension, sent as it was: answered as the contract says, and its rows right."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from config.asgi import CorsApplication
from events.intake import app as intake_app
from events.models import CellExecution, NotebookAccess, OfflineQueueEntry, StudentEvent
from lms.models import Student

FILE = Path(__file__).parents[2] / "payloads" / "recorded_extension_requests.jsonl"
RECORDED = [json.loads(line) for line in FILE.read_text().splitlines()]


async def send_all() -> list[httpx.Response]:
    served = intake_app.Intake()
    answers = []
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(CorsApplication(served)), base_url="http://server"
    ) as client:
        for request in RECORDED:
            headers = {name: value for name, value in request["headers"].items() if name.lower() != "content-length"}
            body = request["body"].encode() if request["body"] else None
            answers.append(await client.request(request["method"], request["path"], headers=headers, content=body))
    await served.close()
    return answers


@pytest.fixture
def stored_recording(event_pipeline):
    import asyncio

    answers = asyncio.run(send_all())
    event_pipeline.drain()
    return answers


def events_sent() -> dict[str, dict]:
    """The first of each event id, in the order in which they arrived."""
    found: dict[str, dict] = {}
    for request in RECORDED:
        if request["method"] == "POST":
            for event in json.loads(request["body"]):
                found.setdefault(event["eventId"], event)
    return found


def test_each_is_answered_as_the_contract_says(stored_recording):
    for request, answer in zip(RECORDED, stored_recording, strict=True):
        expected = {"POST": 202, "OPTIONS": 204, "GET": 405}[request["method"]]
        assert answer.status_code == expected, request
        assert answer.headers["access-control-allow-origin"] == request["headers"]["Origin"]
        if request["method"] == "POST":
            count = len(json.loads(request["body"]))
            assert answer.json()["message"] == f"{count} events received and queued for processing."


def test_each_event_is_exactly_one_row(stored_recording):
    ids = [
        *CellExecution.objects.values_list("event_id", flat=True),
        *NotebookAccess.objects.values_list("event_id", flat=True),
        *StudentEvent.objects.values_list("event_id", flat=True),
    ]
    assert sorted(ids) == sorted(events_sent())
    assert not OfflineQueueEntry.objects.exists()


def test_each_run_is_stored_as_it_was_sent(stored_recording):
    stored = {
        run.event_id: run for run in CellExecution.objects.select_related("student", "notebook", "cell", "session")
    }
    sent = {key: event for key, event in events_sent().items() if event["eventType"] == "cell_executed"}
    assert stored.keys() == sent.keys()
    for key, event in sent.items():
        run = stored[key]
        assert run.student.email == event["emailAddress"]
        assert run.notebook.path == event["notebookPath"]
        assert (run.cell.cell_id, run.cell_index, run.cell_type) == (
            event["cellId"],
            event["cellIndex"],
            event["cellType"],
        )
        assert run.session.session_id == event["sessionId"]
        assert run.code_content == event["code"].replace("\0", "\ufffd")
        assert run.output == event["result"].replace("\0", "\ufffd")
        message = event.get("errorMessage")
        assert run.error_message == (message.replace("\0", "\ufffd") if message else None)
        assert run.execution_count == event.get("executionCount")
        assert run.duration == event["executionDurationMs"] / 1000
        sent_at = datetime.fromisoformat(event["eventTime"])
        if datetime.now(UTC) - sent_at < timedelta(days=30):
            assert run.executed_at == sent_at


def test_status_of_each_run(stored_recording):
    for run in CellExecution.objects.all():
        event = events_sent()[run.event_id]
        never_ran = event["cellType"] == "code" and "executionCount" not in event and not event["result"]
        expected = "error" if event["hasError"] else "aborted" if never_ran else "success"
        assert run.status == expected
    aborted = set(CellExecution.objects.filter(status="aborted").values_list("cell__cell_id", flat=True))
    assert aborted == {"c2", "c3", "c13"}, "what Run All never reached, and a cell run before its kernel was ready"


def test_students_and_their_totals(stored_recording):
    for student in Student.objects.select_related("team"):
        runs = student.executions
        code = runs.exclude(status="aborted").exclude(cell_type="markdown")
        assert student.execution_count == code.count()
        assert student.error_count == runs.filter(status="error").count()
        names = {e["userName"] for e in events_sent().values() if e["emailAddress"] == student.email}
        assert student.name in names
        assert student.team is None or student.team.team_name.startswith("チーム")
