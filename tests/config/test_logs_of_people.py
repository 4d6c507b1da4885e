"""No line of a log holds a student's address in a path or a query: neither our own lines nor the servers', faults
included, with all the lines that can be asked for."""

import asyncio
import contextlib
import dataclasses
import re
from urllib.parse import quote

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from config.logs import redacted
from operations.local import programs
from operations.local.embedded_valkey import free_port
from tests.events.conftest import event
from tests.servers import ROOT, Running, wait_until

ADDRESS = "hanako.tanaka@school.example"
NUMBERED = "s1234567"  # an identity that is no e-mail
PATHS = [
    "/api/v1/dashboard/students/{}/activity", "/api/v1/dashboard/students/{}/dismiss-help",
    "/api/v1/progress/student/{}",
    "/api/v1/progress/assignment/{}/1", "/api/v1/progress/notifications/{}", "/api/v1/students?email={}",
    "/api/v1/analytics/progress?email={}", "/api/v1/me?email={}&key=x", "/nowhere/{}/x", "/api/v1/nowhere/{}",
    "/everybody/?student={}", "//api/v1/progress/student/{}", "/admin/lms/student/?q={}",
    "/api/v1/notebook-version/history/{}/a.ipynb",
    "/api/v1/progress/process-event?user_id={}&assignment_id=1&cell_id=c",
]  # fmt: skip
SOCKETS = ["/api/v1/v1/websocket/ws/{}", "/api/v1/ws/{}?room=a", "/api/v1/v1/progress/ws/student/{}", "/nowhere/ws/{}"]
KNOWN = [path for path in PATHS if "/students/" in path or "/progress/" in path]  # where any text is somebody


@pytest.fixture(scope="module", params=["plain", "json"])
def system(request, start_live_system):
    made = start_live_system(workers=1, LOG_FORMAT=request.param, LOG_REQUESTS="1", LOG_LEVEL="DEBUG")
    yield made
    made.stop()


def use(url: str) -> None:
    for who in (ADDRESS, NUMBERED):
        for path in PATHS:
            for spelled in {who, quote(who, safe=""), who.upper()}:
                if "@" in who or path in KNOWN:
                    for method in ("GET", "POST"):
                        httpx.request(method, url + path.format(spelled), timeout=30)
    asyncio.run(talk(url.replace("http", "ws")))


async def talk(url: str) -> None:
    for path in SOCKETS:
        for who in (ADDRESS, quote(ADDRESS, safe=""), NUMBERED):
            with contextlib.suppress(InvalidStatus):  # some are refused
                async with connect(url + path.format(who)) as socket:
                    await socket.send("{}")
                    await socket.recv()


def found_in(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if re.search(r"hanako|s1234567", line, re.IGNORECASE)]
    return [line[:300] for line in lines]


def test_our_own_lines(system):
    httpx.post(f"{system.url}/api/v1/events", json=[event(emailAddress=ADDRESS)])
    use(system.url)
    last = f"{system.url}/api/v1/openapi.json?last"
    httpx.get(last)
    wait_until(lambda: "openapi.json" in system.web.log.read_text(), what="the last line")
    text = "\n".join(file.read_text() for file in system.directory.glob("*.log"))
    assert "DEBUG" in text, "it was to say all it can"
    assert "/api/v1/progress/student/[student]" in text, "what was asked is still told"
    assert "/api/v1/dashboard/students/[student]/dismiss-help" in text
    assert found_in(text) == []


def test_a_fault_and_the_servers_own_lines(system, tmp_path):
    """Even where an operator asks uvicorn for all it can say, and a view breaks."""
    code = "from django.db import connection; connection.cursor().execute('ALTER TABLE {}')"
    port = free_port()
    program = programs.web(host="127.0.0.1", port=port)
    argv = [word for word in program.argv if word != "--no-access-log"]
    argv[argv.index("--log-level") + 1] = "debug"
    program = dataclasses.replace(program, argv=tuple(argv), environment={**program.environment, **system.environment})
    running = Running(program=program, log=tmp_path / "web.log")
    shell = ("shell", "--no-imports", "-v0", "-c")
    system.manage(*shell, code.format("help_requests RENAME TO gone"))
    running.start()
    try:
        wait_until(lambda: answers(port), seconds=60, what="an answer")
        url = f"http://127.0.0.1:{port}"
        answer = httpx.post(f"{url}/api/v1/dashboard/students/{ADDRESS}/dismiss-help", timeout=30)
        assert answer.status_code == 500
        use(url)
    finally:
        running.stop()
        system.manage(*shell, code.format("gone RENAME TO help_requests"))
    text = running.log.read_text()
    assert "Traceback" in text
    assert found_in("\n".join(line for line in text.splitlines() if "/" in line or "?" in line)) == []


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/v1/health/simple").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("GET /api/v1/dashboard/students/a@x.jp/activity 200", "GET /api/v1/dashboard/students/[student]/activity 200"),
        ('"GET /api/v1/progress/student/taro HTTP/1.1"', '"GET /api/v1/progress/student/[student] HTTP/1.1"'),
        ("/api/v1/ws/taro?room=x", "/api/v1/ws/[student]?room=x"),
        ("/api/v1/dashboard/ws/dashboard", "/api/v1/dashboard/ws/dashboard"),
        ("/api/v1/ws/instructor/3", "/api/v1/ws/instructor/3"),
        ("/api/v1/ws/dashboards", "/api/v1/ws/[student]"),
        ("/a/hana%40x.jp/b", "/a/[address]/b"),
        ("/a/hana%2540x.jp", "/a/[address]"),
        ("/a/ｈａｎａ＠x.jp", "/a/[address]"),
        ("/?next=/x%3Femail%3Da%40x.jp&y=1", "/?next=/[address]&y=1"),
        ("?student_id=taro&limit=5", "?student_id=[student]&limit=5"),
        ("postgresql://me:secret@host/db", "postgresql://me:[redacted]@host/db"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("/classes/3/students/17/ 200", "/classes/3/students/17/ 200"),
        ("a@x.jp failed", "a@x.jp failed"),  # no path: audit and set-aside say whom they mean
    ],
)
def test_what_stands_for_somebody(said, written):
    assert redacted(said) == written


@pytest.mark.parametrize("path", [*PATHS, *SOCKETS])
@pytest.mark.parametrize("who", [ADDRESS, quote(ADDRESS, safe="")])
def test_the_proxys_lines(path, who):
    """The pattern of deploy/Caddyfile, which Caddy writes every address by."""
    rule = re.search(r"request>uri regexp (\S+) (\S+)", (ROOT / "deploy" / "Caddyfile").read_text())
    written = re.sub(rule[1], rule[2], path.format(who))
    assert "hanako" not in written
    assert written.startswith("/")
