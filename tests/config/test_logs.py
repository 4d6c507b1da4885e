"""Log lines of real servers: one JSON object each, with ids, and never a class key."""

import dataclasses
import json
import logging
import sys
import time

import httpx
import pytest

from config.logs import Json, Plain, redacted, request_id
from operations.local import programs
from operations.local.embedded_valkey import free_port
from tests.events.conftest import event
from tests.live import LiveSystem
from tests.servers import Running, wait_until

KEY = "sikretkey0123456789"


@pytest.fixture(scope="module")
def system(start_live_system) -> LiveSystem:
    made = start_live_system(workers=1, LOG_FORMAT="json", LOG_REQUESTS="1", EVENTS_REQUIRE_KEY="1", LOG_LEVEL="DEBUG")
    yield made
    made.stop()


def lines(log) -> list[dict]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_a_request_has_its_id_in_the_answer_and_in_the_log(system):
    answer = httpx.get(f"{system.url}/api/v1/openapi.json?key={KEY}", headers={"X-Request-ID": "mine-42"})
    assert answer.headers["X-Request-ID"] == "mine-42"
    found = []

    def is_written() -> bool:
        found[:] = [line for line in lines(system.web.log) if line.get("request_id") == "mine-42"]
        return any(line["logger"] == "requests" for line in found)

    wait_until(is_written, what="the line")
    line = next(line for line in found if line["logger"] == "requests")
    assert line.items() >= {"level": "INFO", "process": "web", "method": "GET", "status": 200}.items()
    assert line["path"] == "/api/v1/openapi.json"
    assert line["ms"] > 0
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("sent", ["", "two words", "x" * 101, 'quo"te', "ümlaut"])
def test_an_id_that_is_not_well_formed_is_replaced(system, sent):
    answer = httpx.get(f"{system.url}/api/v1/health/simple", headers={"X-Request-ID": sent.encode()})
    assert answer.headers["X-Request-ID"] != sent
    assert len(answer.headers["X-Request-ID"]) > 10


def test_the_intake_answers_an_id_too(system):
    url = f"{system.url}/api/v1/events?key={KEY}"
    first, second = (httpx.post(url, json=[event()]) for _ in range(2))
    assert first.status_code == 401
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_no_key_reaches_any_log(system):
    for method, path in [
        ("POST", "events"), ("GET", "events"), ("GET", "me"), ("GET", "nothing"), ("POST", "offline/queue"),
        ("GET", "health"), ("POST", "cell-monitor"),
    ]:  # fmt: skip
        httpx.request(method, f"{system.url}/api/v1/{path}?a=1&key={KEY}", json=[event()])
    httpx.post(f"{system.url}/api/v1/auth/login", json={"email": "a@b.jp", "password": KEY})
    httpx.get(f"{system.url}/api/v1/instructors", headers={"Authorization": f"Bearer {KEY}"})
    wait_until(lambda: any(line.get("path") == "/api/v1/instructors" for line in lines(system.web.log)))
    assert KEY not in "".join(file.read_text() for file in system.directory.glob("*.log"))


def test_nor_the_servers_own_access_log(system, tmp_path):
    """Even where an operator asks uvicorn for all it can say. Daphne's access log (`-v 1`) writes past every logger: it
    is never switched on."""
    port = free_port()
    program = programs.web(host="127.0.0.1", port=port)
    argv = [word for word in program.argv if word != "--no-access-log"]
    argv[argv.index("--log-level") + 1] = "debug"
    program = dataclasses.replace(
        program, argv=tuple(argv), environment={**program.environment, **system.environment, "LOG_FORMAT": "plain"}
    )
    running = Running(program=program, log=tmp_path / "web.log")
    running.start()
    try:
        wait_until(lambda: answers(port), what="an answer")
        httpx.post(f"http://127.0.0.1:{port}/api/v1/events?key={KEY}", json=[event()])
        httpx.get(f"http://127.0.0.1:{port}/api/v1/nothing?key={KEY}")
    finally:
        running.stop()
    assert KEY not in running.log.read_text()
    assert programs.web(host="127.0.0.1", port=port, server="daphne").argv[7:9] == ("-v", "0")


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/v1/health/simple").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("GET /api/v1/events?key=abc HTTP/1.1", "GET /api/v1/events?key=[redacted] HTTP/1.1"),
        ("/x?a=1&token=t.t-t&b=2", "/x?a=1&token=[redacted]&b=2"),
        ("Authorization: Bearer eyJhbGciOi.abc", "Authorization: Bearer [redacted]"),
        ("Authorization: Student eyJhbGciOi-abc", "Authorization: Student [redacted]"),
        ("a Student of the class", "a Student of the class"),
        ("postgresql://me:secret@host/db", "postgresql://me:[redacted]@host/db"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("monkey=1", "monkey=1"),
    ],
)
def test_what_is_secret(said, written):
    assert redacted(said) == written


def record(**extra) -> logging.LogRecord:
    made = logging.LogRecord("events", logging.WARNING, __file__, 1, "Lost %s?key=k", ("it",), None)
    made.__dict__.update(extra)
    return made


def test_the_two_formats():
    token = request_id.set("r-1")
    try:
        line = json.loads(Json().format(record(batch_id="b1", facts={"ms": 3})))
        plain = Plain("{levelname} {name}: {message}", style="{").format(record(batch_id="b1"))
    finally:
        request_id.reset(token)
    assert line.items() >= {
        "level": "WARNING", "logger": "events", "message": "Lost it?key=[redacted]", "request_id": "r-1",
        "batch_id": "b1", "ms": 3,
    }.items()  # fmt: skip
    assert plain == "WARNING events: Lost it?key=[redacted] [request_id=r-1 batch_id=b1]"


def test_an_exception_is_in_its_line():
    try:
        raise ValueError("redis://u:pw@h/0")
    except ValueError:
        line = json.loads(Json().format(record(exc_info=sys.exc_info())))
    assert "ValueError" in line["exception"]
    assert "pw" not in line["exception"]


@pytest.mark.parametrize("unit", ["?e=", "&e=", "?e=a", "sessionid-", "/ws/", "/", "://a:", "bearer ", "x-class-key "])
def test_no_path_that_a_stranger_sends_keeps_a_web_process_busy(unit):
    """A line is written in the event loop: a pattern that starts anew at each `?` took thirty seconds of it."""
    path = "/" + (unit * 60_000)[:60_000]
    started = time.process_time()
    redacted(f"GET {path} 404")
    assert time.process_time() - started < 2


@pytest.mark.parametrize("value", ["a?b=hanako@school.example", "hanako%40school.example", "x=y=hanako@school.example"])
def test_an_address_anywhere_in_a_value(value):
    assert redacted(f"GET /x?of={value}&n=1") == "GET /x?of=[address]&n=1"
    assert redacted("GET /x?of=a?b=c&n=1") == "GET /x?of=a?b=c&n=1"
