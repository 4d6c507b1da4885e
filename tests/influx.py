"""Servers of time series for tests: one that records and answers as told, Debian's VictoriaMetrics, a real InfluxDB."""

import json
import re
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from operations.local.embedded_valkey import free_port
from operations.local.processes import Program
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
TYPES = {bool: "boolean", int: "integer", float: "float", str: "string"}


@dataclass
class Kept:
    """The bucket, as `GET /api/v2/buckets` describes it; `seconds` that it keeps a point, 0 = for ever."""

    id: str = "0000000000000001"
    made: str = "2020-01-01T00:00:00.123456789Z"
    seconds: int = 0
    types: dict[tuple[str, str], type] = field(default_factory=dict)  # of each measurement's fields

    def described(self, name: str) -> dict[str, Any]:
        rule = {"type": "expire", "everySeconds": self.seconds, "shardGroupDurationSeconds": 86_400}
        times = {"createdAt": self.made, "updatedAt": self.made}
        return {"id": self.id, "orgID": "o", "type": "user", "name": name, "retentionRules": [rule], **times}


@dataclass
class Recorder:
    """It answers writes as InfluxDB 2.7.12 does: what its bucket does not keep, and what is of another type than
    before, is dropped with 422, the rest of the request written; without a bucket all is 404.

    `judge` says first what a write gets: a status and a message; `answer` what questions get. `forward` is the address
    of another server, which gets the lines that were taken.
    """

    url: str = ""
    lines: list[str] = field(default_factory=list)  # those of writes that were taken
    writes: list[str] = field(default_factory=list)  # all that was tried
    queries: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    judge: Callable[[list[str]], Answer] = lambda lines: (204, "")
    answer: Callable[[dict[str, Any]], Answer] = lambda query: (200, "")
    hang: threading.Event | None = None  # set: it answers again
    bucket: Kept | None = field(default_factory=Kept)
    looks: int = 0  # how often the bucket was looked at
    shows_bucket: bool = True  # whether the token may see it
    sums: Kept | None = None  # the bucket of hourly sums
    forward: str = ""

    @property
    def points(self) -> list[Point]:
        return [parse(line) for line in self.lines]

    def remake(self, *, seconds: int = 0) -> None:
        """Delete the bucket, and make one of the same name."""
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.bucket = Kept(id=uuid.uuid4().hex[:16], made=now, seconds=seconds)
        self.lines.clear()

    def ids(self, query: dict[str, Any]) -> Answer:
        """What `backfill` asks: the ids of the events of a span. Whatever else is asked, nothing was."""
        if '"eventId"' not in query["query"]:
            return 200, ""
        params = params_of(query)
        since, until = (_nanoseconds(params[name]) for name in ("_since", "_until"))
        found = [point.fields["eventId"] for point in self.points if since <= point.time < until]
        return 200, values("string", *found[: int(params.get("_most", len(found)))])

    def take(self, lines: list[str]) -> Answer:
        status, message = self.judge(lines)
        if status != 204:
            return status, message
        if self.bucket is None:
            return 404, 'bucket "cellmonitor" not found'
        oldest = _now_ns() - self.bucket.seconds * 10**9 if self.bucket.seconds else 0
        young = [line for line in lines if int(line.rpartition(" ")[2]) >= oldest]
        taken, conflict = [], ""
        for line in young:
            if said := self._conflict(parse(line)):
                conflict = said
            else:
                taken.append(line)
        self.lines += taken
        if self.forward and taken:
            httpx.post(f"{self.forward}/api/v2/write", content="\n".join(taken).encode()).raise_for_status()
        start = "failure writing points to database: partial write: "
        if conflict:
            return 422, f"{start}field type conflict: {conflict} dropped={len(young) - len(taken)}"
        if len(young) < len(lines):
            return 422, f"{start}points beyond retention policy dropped={len(lines) - len(young)}"
        return 204, ""

    def _conflict(self, point: Point) -> str:
        assert self.bucket
        for name, value in point.fields.items():
            known = self.bucket.types.setdefault((point.measurement, name), type(value))
            if known is not type(value):
                return (
                    f'input field "{name}" on measurement "{point.measurement}" is type {TYPES[type(value)]}, '
                    f"already exists as type {TYPES[known]}"
                )
        return ""


def values(kind: str, *found: object) -> str:
    """One table with a column `_value`, as annotated CSV."""
    rows = "".join(f",,0,{value}\r\n" for value in found)
    head = f"#datatype,string,long,{kind}\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,_value\r\n"
    return f"{head}{rows}\r\n" if found else ""


def _nanoseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000) * 10**6


class _Handler(BaseHTTPRequestHandler):
    recorder: Recorder
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if self.recorder.hang:
            self.recorder.hang.wait(30)
        if not address.path.endswith("/buckets"):
            self._say(204, "", {"X-Influxdb-Version": "v2.7.12"})
            return
        [name] = parse_qs(address.query)["name"]
        is_of_sums = name.endswith("_hourly")
        self.recorder.looks += not is_of_sums
        bucket = self.recorder.sums if is_of_sums else self.recorder.bucket
        if bucket is None:
            self._say(404, json.dumps({"code": "not found", "message": f'bucket "{name}" not found'}))
            return
        shown = [bucket.described(name)] if self.recorder.shows_bucket else []
        self._say(
            200, json.dumps({"links": {"self": self.path}, "buckets": shown}), {"Content-Type": "application/json"}
        )

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
        status, message = self.recorder.take(body.split("\n"))
        said = {"code": "unprocessable entity" if status == 422 else "error", "message": message}
        self._say(status, json.dumps(said) if message else "", self.recorder.headers)

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
            stop_timeout=20,
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
def bucket_of_its_own(url: str, token: str, org: str, *, name: str = "") -> Iterator[str]:
    """The name of a bucket that is there for as long as this is open."""
    name, headers = name or f"cellmonitor-test-{uuid.uuid4().hex[:8]}", {"Authorization": f"Token {token}"}
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


def _now_ns() -> int:
    return time.time_ns()
