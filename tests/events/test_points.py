"""Time series: docs/contract/events.md section 6. The server that takes the writes here records them verbatim."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from events import points
from tests.events.conftest import event, failing


class Recorder(HTTPServer):
    lines: list[str]
    is_down = False


class Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if self.server.is_down else 204)
        self.end_headers()
        if not self.server.is_down:
            self.server.lines += body.decode().splitlines()

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def series(settings, redis) -> Iterator[Recorder]:
    server = Recorder(("127.0.0.1", 0), Handler)
    server.lines = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.INFLUXDB_URL = f"http://127.0.0.1:{server.server_port}"
    settings.INFLUXDB_TOKEN = "token"
    points.writer.cache_clear()
    yield server
    server.shutdown()
    server.server_close()
    points.writer().close()
    points.writer.cache_clear()


def test_each_event_is_a_point(river, series, clock):
    river.post(failing(eventId="e1", eventTime=clock(0)), event("help", eventId="e2", eventTime=clock(1)))
    assert len(series.lines) == 2
    run = next(line for line in series.lines if 'eventId="e1"' in line)
    tags, fields = run.split(" cellId=")
    for tag in (
        "userId=hanako@example.com",
        "emailAddress=hanako@example.com",
        "event=cell_executed",
        "notebook=演習01.ipynb",
        "directory=lesson",
        "cellType=code",
        "sessionId=session-1",
        "teamName=チームA",
    ):
        assert f",{tag}" in tags
    assert tags.startswith("student_progress,")
    for field in (
        "executionCount=1i",
        "cellIndex=1i",
        "success=false",
        "duration=3.0",
        'notebookPath="lesson/演習01.ipynb"',
    ):
        assert f",{field}" in fields
    assert run.endswith(f" {int(clock.at(0).timestamp() * 1000)}")
    help_line = next(line for line in series.lines if 'eventId="e2"' in line)
    assert "success=" not in help_line
    assert "duration=" not in help_line
    assert ",executionCount=-1i," in help_line


@pytest.mark.parametrize("text", ['say "hi"', "back\\slash", "a=b,c d", "two\nlines", "trailing\\"])
def test_texts_are_escaped(river, series, text):
    river.post(event(teamName=text, code=text))
    (line,) = [*series.lines] if "\n" not in text else ["\n".join(series.lines)]
    assert line.startswith("student_progress,")
    assert ",teamName=" in line


def test_long_texts_are_cut(river, series):
    river.post(event(code="x" * 5000))
    assert 'cellContent="' + "x" * 1000 + '"' in series.lines[0]


def test_server_that_is_down_delays_points_and_nothing_else(river, series):
    series.is_down = True
    river.post(event(eventId="e1"))
    river.post(event(eventId="e2"))
    assert river.redis.llen(points.WAITING) == 2
    series.is_down = False
    river.redis.delete(points.DOWN)
    assert points.catch_up() == 2
    assert ["e1" in series.lines[0], "e2" in series.lines[1]] == [True, True]
    assert river.redis.llen(points.WAITING) == 0
    river.post(event(eventId="e3"))
    assert len(series.lines) == 3


def test_waiting_points_are_bounded(river, series, monkeypatch):
    monkeypatch.setattr(points, "WAITING_LIMIT", 5)
    series.is_down = True
    for number in range(9):
        river.post(event(eventId=f"e{number}"))
    waiting = [item.decode() for item in river.redis.lrange(points.WAITING, 0, -1)]
    assert ['eventId="e4"' in waiting[0], len(waiting)] == [True, 5]


def test_without_influxdb_nothing_is_written(river):
    river.post(event())
    assert not river.redis.exists(points.WAITING)
