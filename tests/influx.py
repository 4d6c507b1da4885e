"""Servers of time series for tests: one that records and answers as told, Debian's VictoriaMetrics, a real InfluxDB."""

import json
import re
import shutil
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from config.processes import Program
from config.valkey import free_port
from tests.servers import Running, serving, wait_until

# --- Line protocol as InfluxDB reads it (its models/points.go), without a line break anywhere -------------------------


@dataclass(frozen=True)
class Point:
    measurement: str
    tags: dict[str, str]
    fields: dict[str, Any]
    time: int


def parse(line: str) -> Point:
    """Raises ValueError for what is no line."""
    head, rest = _cut(line, " ")
    measurement, *pairs = _split(head, ",")
    tags = {}
    for pair in pairs:
        name, value = _cut(pair, "=")
        if not value or "=" in re.sub(r"\\=", "", value):
            raise ValueError(f"bad tag: {pair}")
        tags[name] = re.sub(r"\\([,= ])", r"\1", value)
    fields: dict[str, Any] = {}
    while True:
        found = re.match(r'(\w+)=(?:"((?:\\.|[^"\\])*)"|(true|false)|(-?\d+)i|(-?[\d.]+(?:e[+-]?\d+)?))', rest)
        if not found:
            raise ValueError(f"bad field: {rest[:80]}")
        name, string, boolean, integer, real = found.groups()
        if string is not None:
            fields[name] = re.sub(r'\\(["\\])', r"\1", string)
        elif boolean:
            fields[name] = boolean == "true"
        else:
            fields[name] = int(integer) if integer else float(real)
        rest = rest[found.end() :]
        if rest.startswith(" "):
            return Point(measurement, tags, fields, int(rest[1:]))
        if not rest.startswith(","):
            raise ValueError(f"bad end of a field: {rest[:80]}")
        rest = rest[1:]


def _split(text: str, separator: str) -> list[str]:
    return re.split(rf"(?<!\\){separator}", text)


def _cut(text: str, separator: str) -> tuple[str, str]:
    before, *after = re.split(rf"(?<!\\){separator}", text, maxsplit=1)
    if not after:
        raise ValueError(f"no {separator!r} in {text[:80]}")
    return before, after[0]


# --- A server that records --------------------------------------------------------------------------------------------

Answer = tuple[int, str]


@dataclass
class Recorder:
    """`judge` says what a write gets: a status and a message; `answers` what questions get."""

    url: str = ""
    lines: list[str] = field(default_factory=list)  # those of writes that were taken
    writes: list[str] = field(default_factory=list)  # all that was tried
    queries: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    judge: Callable[[list[str]], Answer] = lambda lines: (204, "")
    answer: Callable[[dict[str, Any]], Answer] = lambda query: (200, "")
    hang: threading.Event | None = None  # set: it answers again

    @property
    def points(self) -> list[Point]:
        return [parse(line) for line in self.lines]


class _Handler(BaseHTTPRequestHandler):
    recorder: Recorder
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(204, "", {"X-Influxdb-Version": "v2.7.9"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.recorder.hang:
            self.recorder.hang.wait(30)
        if urlsplit(self.path).path.endswith("/query"):
            query = json.loads(body)
            self.recorder.queries.append(query)
            self._say(*self.recorder.answer(query))
            return
        self.recorder.writes.append(body)
        lines = body.split("\n")
        status, message = self.recorder.judge(lines)
        if status == 204:
            self.recorder.lines += lines
        self._say(status, json.dumps({"message": message}) if message else "", self.recorder.headers)

    def _say(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)
        except OSError:  # nobody waits for it any more
            self.close_connection = True

    def log_message(self, *args: object) -> None: ...


@contextmanager
def recording(port: int = 0) -> Iterator[Recorder]:
    recorder = Recorder()
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"recorder": recorder}))
    server.daemon_threads = True
    with serving(server) as recorder.url:
        yield recorder


# --- VictoriaMetrics --------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class VictoriaMetrics:
    """It takes line protocol where InfluxDB does and gives it out as JSON; numbers and booleans only, and no Flux."""

    directory: Path
    port: int = field(default_factory=free_port)
    running: Running = field(init=False)

    def __post_init__(self) -> None:
        executable = shutil.which("victoria-metrics")
        assert executable, "The tests need victoria-metrics: run tests/install_needs.sh"
        options = ("-retentionPeriod=100y", "-search.latencyOffset=0s", "-memory.allowedBytes=128MiB")
        program = Program(
            name="victoria-metrics",
            rank=1,
            argv=(executable, f"-storageDataPath={self.directory}", f"-httpListenAddr=127.0.0.1:{self.port}", *options),
            stop_signal=signal.SIGINT,  # it writes down what it holds in memory
            patience=20,
        )
        self.directory.mkdir(parents=True, exist_ok=True)
        self.running = Running(program=program, log=self.directory.parent / "victoria-metrics.log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.running.start()
        wait_until(self._answers, what="an answer from VictoriaMetrics")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        self.running.stop()

    def export(self, field_name: str) -> dict[tuple[str, ...], dict[int, float]]:
        """Values by time (ms), by the tags userId, event, notebook, teamName, sessionId of the series."""
        httpx.get(f"{self.url}/internal/force_flush")
        answer = httpx.get(
            f"{self.url}/api/v1/export",
            params={"match[]": f'{{__name__="student_progress_{field_name}"}}', "start": "2000-01-01T00:00:00Z"},
            timeout=60,
        )
        found: dict[tuple[str, ...], dict[int, float]] = {}
        for series in map(json.loads, answer.text.splitlines()):
            tags = tuple(series["metric"][name] for name in ("userId", "event", "notebook", "teamName", "sessionId"))
            found.setdefault(tags, {}).update(zip(series["timestamps"], series["values"], strict=True))
        return found


# --- InfluxDB ---------------------------------------------------------------------------------------------------------


@contextmanager
def bucket_of_its_own(url: str, token: str, org: str) -> Iterator[str]:
    """The name of a bucket that is there for as long as this is open."""
    name, headers = f"cellmonitor-test-{uuid.uuid4().hex[:8]}", {"Authorization": f"Token {token}"}
    with httpx.Client(base_url=url, headers=headers) as client:
        found = client.get("/api/v2/orgs", params={"org": org}).raise_for_status().json()["orgs"][0]["id"]
        body = {"name": name, "orgID": found, "retentionRules": []}
        made = client.post("/api/v2/buckets", json=body).raise_for_status().json()
        try:
            yield name
        finally:
            client.delete(f"/api/v2/buckets/{made['id']}").raise_for_status()


def params_of(query: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a recorded question, as plain values."""
    return {
        statement["assignment"]["id"]["name"]: _plain(statement["assignment"]["init"])
        for statement in query["extern"]["body"]
    }


def _plain(literal: dict[str, Any]) -> Any:
    if "elements" in literal:
        return [_plain(element) for element in literal["elements"]]
    return literal["value"] if "value" in literal else literal["values"]
