"""`manage.py influx_setup`, against a server that keeps what it is told as InfluxDB's API does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command

from events.timeseries.buckets import hourly, quoted

DAY = 24 * 3600


class Influx(ThreadingHTTPServer):
    daemon_threads = True
    buckets: dict[str, dict]
    tasks: dict[str, dict]
    changes: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Influx

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path.endswith("/orgs"):
            orgs = [{"id": "o1", "name": "cellmonitor"}] if asked.get("org") == "cellmonitor" else []
            self.say(200, {"orgs": orgs})
        elif address.path.endswith("/buckets"):
            found = list(self.server.buckets.values())
            self.say(200, {"links": {"self": self.path}, "buckets": found})
        else:
            self.say(200, {"tasks": [task for task in self.server.tasks.values() if task["name"] == asked["name"]]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/buckets"):
            self.server.changes.append(f"+{body['name']}")
            self.server.buckets[body["name"]] = {**body, "id": body["name"]}
            self.say(201, self.server.buckets[body["name"]])
        else:
            self.server.changes.append("+task")
            self.server.tasks["t1"] = {"id": "t1", "name": "cellmonitor_hourly", "status": "active", **body}
            self.say(201, self.server.tasks["t1"])

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, name = self.path.split("/")[-2:]
        self.server.changes.append(f"~{name}")
        kept = getattr(self.server, kind)[name]
        kept.update(body)
        self.say(200, kept)

    def say(self, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def influx(settings) -> Iterator[Influx]:
    server = Influx(("127.0.0.1", 0), Handler)
    server.buckets, server.tasks, server.changes = {}, {}, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.INFLUXDB_URL, settings.INFLUXDB_TOKEN = f"http://127.0.0.1:{server.server_port}", "token"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("influx_setup", *arguments, stdout=out)
    return out.getvalue()


def test_everything_is_made_and_the_second_time_nothing(influx):
    said = command()
    assert influx.changes == ["+cellmonitor", "+cellmonitor_hourly", "+task"]
    assert "Did: make the bucket cellmonitor, points kept 90 days" in said
    assert "Did: make the bucket cellmonitor_hourly, points kept for ever" in said
    assert influx.buckets["cellmonitor"]["retentionRules"][0]["everySeconds"] == 90 * DAY
    assert influx.buckets["cellmonitor_hourly"]["retentionRules"][0]["everySeconds"] == 0
    assert influx.tasks["t1"]["flux"] == hourly("cellmonitor")
    assert command() == "Everything is as it should be.\n"
    assert len(influx.changes) == 3


def test_dry_run_changes_nothing(influx):
    assert command("--dry-run").count("Would: make the") == 3
    assert influx.changes == []


def test_what_differs_is_brought_up_to_date(influx, settings):
    command()
    influx.changes.clear()
    settings.INFLUXDB_RETENTION_DAYS = 7
    influx.tasks["t1"]["flux"] = "old"
    assert "Would: keep the points of the bucket cellmonitor 7 days" in command("--dry-run")
    command()
    assert influx.changes == ["~cellmonitor", "~t1"]
    assert influx.buckets["cellmonitor"]["retentionRules"][0]["everySeconds"] == 7 * DAY
    assert influx.tasks["t1"]["flux"] == hourly("cellmonitor")
    assert command() == "Everything is as it should be.\n"


def test_a_name_in_flux_is_a_text_whatever_is_in_it():
    assert quoted('a"b\\c${d}\n') == '"a\\"b\\\\c\\${d}\\n"'
    assert 'from(bucket: "x\\") |> drop() //")' in hourly('x") |> drop() //')


def test_refusals(influx, settings):
    settings.INFLUXDB_ORG = "nobody"
    with pytest.raises(CommandError, match="no organisation nobody"):
        command()
    settings.INFLUXDB_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="does not answer"):
        command()
    settings.INFLUXDB_URL = ""
    with pytest.raises(CommandError, match="No InfluxDB is configured"):
        command()
