"""The two older intakes and the extension's probe: docs/contract/http.md section 2."""

import gzip
import json

import pytest
from django.test import Client

from events.models import CellExecution, StudentEvent
from tests.events.conftest import event

CELL = {
    "userId": "hanako@example.com",
    "notebookPath": "a.ipynb",
    "cellId": "c1",
    "cellIndex": 2,
    "cellType": "code",
    "cellContent": "1/0",
    "executionCount": 3,
    "executionTime": 0.5,
    "executionStatus": "error",
    "outputs": [{"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero"}],
}


def post(path: str, body: object, **headers: str):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client().post(f"/api/v1{path}", data, content_type="application/json", headers=headers)


@pytest.mark.parametrize("path", ["/events/health", "/events/health/", "/v1/events/health"])
def test_probe(path):
    answer = Client().get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(
    "path", ["/progress/student-progress", "/progress/student-progress/", "/v1/progress/student-progress"]
)
def test_progress_takes_one_record(event_pipeline, path):
    answer = post(path, event())
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["processed_user_id"]) == ("ok", "hanako@example.com")
    event_pipeline.drain()
    assert CellExecution.objects.count() == 1


def test_progress_takes_a_list_and_the_old_names(event_pipeline):
    answer = post("/progress/student-progress", [{"event": "help", "userId": "A@x.jp", "timestamp": 1_700_000_000}])
    assert answer.json()["processed_user_id"] == "A@x.jp"
    event_pipeline.drain()
    assert StudentEvent.objects.get().event_type == "help"


@pytest.mark.parametrize("body", [b"5", b"not json", b"{}", b'{"event": "help"}', b'{"event": 5, "userId": "a"}'])
def test_progress_refuses_what_is_no_record_of_somebody(redis, db, body):
    answer = post("/progress/student-progress", body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


@pytest.mark.parametrize("path", ["/cell-monitor", "/cell-monitor/", "/progress/cell-monitor", "/v1/cell-monitor"])
def test_cell_monitor_is_a_cell_that_ran(event_pipeline, path):
    answer = post(path, CELL)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["user_id"], body["cell_id"]) == ("ok", "hanako@example.com", "c1")
    event_pipeline.drain()
    run = CellExecution.objects.get()
    assert (run.status, run.duration, run.code_content) == ("error", 0.5, "1/0")
    assert run.output == "ZeroDivisionError: division by zero"


def test_cell_monitor_takes_a_list_and_answers_with_the_first(event_pipeline):
    answer = post("/cell-monitor", [CELL, {**CELL, "cellId": "c2"}])
    assert answer.json()["cell_id"] == "c1"
    event_pipeline.drain()
    assert CellExecution.objects.count() == 2


def test_cell_monitor_without_an_identity_is_accepted_and_not_stored(event_pipeline):
    answer = post("/cell-monitor", {name: value for name, value in CELL.items() if name != "userId"})
    assert (answer.status_code, answer.json()["user_id"]) == (200, None)
    event_pipeline.drain()
    assert not CellExecution.objects.exists()


def test_gzip(event_pipeline):
    answer = post("/cell-monitor", gzip.compress(json.dumps(CELL).encode()), **{"Content-Encoding": "gzip"})
    assert answer.status_code == 200


def test_redis_away_is_503(db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = post("/cell-monitor", CELL)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


@pytest.mark.parametrize("path", ["/cell-monitor", "/progress/student-progress"])
def test_other_methods(path):
    answer = Client().get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})


def test_unknown_class_key(db, redis):
    answer = Client().post("/api/v1/cell-monitor?key=wrong", json.dumps(CELL), content_type="application/json")
    assert answer.status_code == 401
