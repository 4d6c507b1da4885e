"""A stub product that answers by script over real HTTP."""

import gzip
import json
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Stub:
    """The product: takes events with 202 unless `script` has other answers for POST /events, oldest first.

    An answer is (status, body, headers), or "hang", or "cut". Other addresses answer from `answers`:
    {(method, path): (status, body)}, where the path has no query.
    """

    def __init__(self):
        self.script = []
        self.answers = {}
        self.requests = []  # (method, path, headers, value)
        self.events = []  # those that were answered 202, in order
        self.times = []  # of POST /events
        self.clock_offset = 0.0
        self.max_events = None
        self.origin = None  # of pages that may ask
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def date_time_string(self, timestamp=None):
                return formatdate(time.time() + stub.clock_offset if timestamp is None else timestamp, usegmt=True)

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                if self.headers.get("Content-Encoding") == "gzip":
                    raw = gzip.decompress(raw)
                value = json.loads(raw) if raw else None
                path = self.path.split("?")[0]
                stub.requests.append((self.command, self.path, dict(self.headers), value))
                if path == "/api/v1/events" and self.command == "POST":
                    stub.times.append(time.monotonic())
                    self.take_events(value)
                elif path == "/api/v1/events/health":
                    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + stub.clock_offset))
                    self.answer(200, {"timestamp": stamp + "Z"})
                else:
                    found = stub.answers.get((self.command, path), (404, {"detail": "Not Found"}))
                    if callable(found):
                        found = found(value, dict(self.headers))
                    if found == "cut":
                        self.close_connection = True
                        return
                    self.answer(*found)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def do_OPTIONS(self):
                self.send_response(204)
                self.send_cors()
                self.end_headers()

            def send_cors(self):
                if stub.origin is not None:
                    self.send_header("Access-Control-Allow-Origin", stub.origin)
                    self.send_header("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key")
                    self.send_header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")

            def take_events(self, value):
                answer = stub.script.pop(0) if stub.script else None
                if answer == "hang":
                    time.sleep(1.5)
                    self.close_connection = True
                    return
                if answer == "cut":
                    self.close_connection = True
                    return
                if callable(answer):
                    answer = answer(value)
                if answer is None:
                    answer = (202, {"message": "ok", "batch_stats": {"failed_events": []}}, {})
                if answer[0] == 202:
                    failed = {item["index"] for item in answer[1]["batch_stats"]["failed_events"]}
                    stub.events += [event for index, event in enumerate(value) if index not in failed]
                self.answer(*answer)

            def answer(self, status, value, headers=None):
                body = b"" if status == 204 else json.dumps(value).encode()
                self.send_response(status)
                for name, text in (headers or {}).items():
                    self.send_header(name, text)
                self.send_cors()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def runs(self):
        return [event for event in self.events if event["eventType"].startswith("cell_execution")]

    def ends(self):
        return [event for event in self.runs() if event["eventType"] != "cell_execution_start"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def stub():
    stub = Stub()
    yield stub
    stub.close()


def wait_for(condition, seconds=20.0):
    """Return what `condition` returns once it is true."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            assert found, "it did not happen in time"
            return found
        time.sleep(0.02)
