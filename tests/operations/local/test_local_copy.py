"""A copy of one's own, on a laptop whose browser also shows other people's pages: what those may do, and who has to log
in. Against the running product. docs/contract/http.md section 1.2."""

import asyncio
import json
import time

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.events.conftest import event
from tests.servers import wait_until

HOSTILE = ["https://evil.example", "http://evil.example:8000", "null", "http://localhost.evil.example",
           "http://127.0.0.1.evil.example:8888", "file://", "http://192.168.1.66"]  # fmt: skip
LABS = ["http://localhost:8888", "http://127.0.0.1:8889", "https://localhost", "http://[::1]:8888"]
READ = ["/api/v1/students", "/api/v1/classes", "/api/v1/instructors", "/api/v1/dashboard/overview",
        "/api/v1/progress/all-students", "/api/v1/offline/failed-events", "/api/v1/openapi.json", "/metrics",
        "/", "/login/"]  # fmt: skip
# What a browser sends without asking first: no body, or one that a form could have.
SIMPLE = [("POST", "/api/v1/offline/sync"), ("POST", "/api/v1/classes"), ("POST", "/api/v1/submissions"),
          ("POST", "/api/v1/test/events/x"), ("POST", "/api/v1/dashboard/students/hanako@example.com/dismiss-help"),
          ("POST", "/api/v1/classroom/map/create-default"), ("POST", "/api/v1/auth/login")]  # fmt: skip
CHANGES = [*SIMPLE, ("DELETE", "/api/v1/offline/clear"), ("PUT", "/api/v1/classes/1"), ("PATCH", "/api/v1/classes/1")]
SOCKETS = ["/ws", "/api/v1/dashboard/ws/dashboard", "/api/v1/ws/hanako@example.com", "/instructor/ws?token=x",
           "/api/v1/progress/ws/instructor", "/api/v1/progress/ws/student/1"]  # fmt: skip
INTAKES = [("/api/v1/events", [event()], 202), ("/api/v1/v1/events/", [event()], 202),
           ("/api/v1/progress/student-progress", event(), 200), ("/api/v1/cell-monitor", [event()], 200),
           ("/api/v1/offline/queue", {"events": [event()]}, 202), ("//api/v1/events", [event()], 202),
           ("/api/v1//events", [event()], 202)]  # fmt: skip


@pytest.fixture(scope="module")
def system(start_live_system):
    """As `make run` starts it, without a single account."""
    made = start_live_system(workers=1, API_REQUIRE_AUTH="auto", RATE_LIMITS="0")
    httpx.post(f"{made.url}/api/v1/events", json=[event()])
    wait_until(lambda: httpx.get(f"{made.url}/api/v1/students").json(), what="a student")
    yield made
    made.stop()


UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip


def refused(system, path: str, **headers: str) -> int:
    """The status of a refused handshake; 0 where it is accepted."""
    with httpx.stream("GET", f"{system.url}{path}", headers={**UPGRADE, **headers}) as answer:
        return 0 if answer.status_code == 101 else answer.status_code


def test_without_an_account_the_api_is_open_to_programs_of_this_machine(system):
    assert httpx.get(f"{system.url}/api/v1/students").json()[0]["email"] == "hanako@example.com"
    assert httpx.get(f"{system.url}/", follow_redirects=False).status_code == 302, "pages always want a login"
    assert refused(system, "/ws") == 0


@pytest.mark.parametrize("origin", HOSTILE)
def test_a_page_elsewhere_reads_nothing(system, origin):
    with httpx.Client(base_url=system.url, headers={"Origin": origin}) as page:
        for path in READ:
            answer = page.get(path)
            assert "access-control-allow-origin" not in answer.headers, path
        for method, path in [*CHANGES, *(("POST", path) for path, _, _ in INTAKES)]:
            asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Private-Network": "true",
                     "Access-Control-Request-Headers": "content-type,authorization"}  # fmt: skip
            answer = page.options(path, headers=asked)
            assert "access-control-allow-origin" not in answer.headers, path
            assert "access-control-allow-private-network" not in answer.headers, path
    for path in SOCKETS:
        assert refused(system, path, Origin=origin) == 403, path


@pytest.mark.parametrize("origin", HOSTILE)
def test_a_page_elsewhere_changes_nothing(system, origin):
    before = httpx.get(f"{system.url}/api/v1/classes").json()
    with httpx.Client(base_url=system.url, headers={"Origin": origin}) as page:
        for method, path in CHANGES:
            for sent in (
                {},
                {"json": {"name": "X", "class_code": "X"}},
                {"data": {"name": "X"}},
                {"content": b'{"name": "X", "class_code": "X"}', "headers": {"Content-Type": "text/plain"}},
            ):
                answer = page.request(method, path, **sent)
                assert answer.status_code == 403, (method, path, answer.text)
                assert "BACKEND_CORS_ORIGINS" in answer.json()["detail"]
    assert httpx.get(f"{system.url}/api/v1/classes").json() == before


def test_a_page_under_a_name_that_leads_here_reads_and_changes_nothing(system):
    """DNS rebinding: to the browser it is all one site."""
    name = f"evil.example:{system.port}"
    with httpx.Client(base_url=system.url, headers={"Host": name, "Origin": f"http://{name}"}) as page:
        for path in [*READ, *(path for path, _, _ in INTAKES), "/static/js/base/class_page.js"]:
            for answer in (page.get(f"{system.url}{path}"), page.post(f"{system.url}{path}", json=[event()])):
                assert answer.status_code == 400, path
                assert "hanako" not in answer.text
    for path in SOCKETS:
        assert refused(system, path, Host=name, Origin=f"http://{name}") == 403
        assert refused(system, path, Host=name) == 403


@pytest.mark.parametrize("origin", LABS)
@pytest.mark.parametrize(("path", "body", "status"), INTAKES)
def test_the_jupyterlab_of_this_machine_sends(system, origin, path, body, status):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    preflight = httpx.options(f"{system.url}{path}", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "content-type" in preflight.headers["access-control-allow-headers"]
    answer = httpx.post(f"{system.url}{path}", json=body, headers={"Origin": origin})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in answer.headers


def test_names_of_this_machine_are_served(system):
    for host in (f"localhost:{system.port}", f"127.0.0.1:{system.port}", "localhost", f"[::1]:{system.port}"):
        assert httpx.get(f"{system.url}/login/", headers={"Host": host}).status_code == 200
        assert refused(system, "/ws", Host=host, Origin=f"http://{host}") == 0


async def _lose(system, path: str) -> float:
    """Seconds from the first account on until the socket of nobody is closed."""
    async with connect(f"ws://127.0.0.1:{system.port}{path}") as socket:
        await asyncio.to_thread(_make_account, system)
        made_at = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(_listen(socket), 20)
        assert closed.value.rcvd.code == 4001
    return time.monotonic() - made_at


async def _listen(socket) -> None:
    while True:
        await socket.recv()


def _make_account(system) -> None:
    code = (
        "from instructors.models import Instructor; Instructor.objects.create_user('t@example.com', 'violet-tram-40')"
    )
    system.manage("shell", "--no-imports", "-v0", "-c", code)


def test_the_first_account_shuts_the_copy(system):
    seconds = asyncio.run(_lose(system, "/ws"))
    assert seconds < 10
    with httpx.Client(base_url=system.url) as client:
        answer = client.get("/api/v1/students")
        assert (answer.status_code, answer.json()) == (403, {"detail": "Not authenticated"})
        for path in READ[:6]:
            assert client.get(path).status_code == 403, path
        login = client.post("/api/v1/auth/login", json={"email": "t@example.com", "password": "violet-tram-40"})
        token = login.json()["token"]["access_token"]
        assert client.get("/api/v1/students", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        for path, body, status in INTAKES:
            assert client.post(f"{system.url}{path}", json=body).status_code == status, "the intake stays open"
    for path in ("/ws", "/api/v1/dashboard/ws/dashboard", "/api/v1/progress/ws/instructor"):
        assert refused(system, path) == 403
        assert refused(system, f"{path}?token={token}") == 0
    assert refused(system, "/api/v1/ws/hanako@example.com", Origin=LABS[0]) == 0


def test_within_a_second_in_every_process(start_live_system):
    """A second web process of the same copy, which nobody has told."""
    system = start_live_system(workers=0, API_REQUIRE_AUTH="auto")
    try:
        assert httpx.get(f"{system.url}/api/v1/classes").status_code == 200
        _make_account(system)
        time.sleep(1.1)
        assert httpx.get(f"{system.url}/api/v1/classes").status_code == 403
        assert json.loads(httpx.get(f"{system.url}/api/v1/health/simple").text)["status"] == "ok"
    finally:
        system.stop()


@pytest.mark.parametrize(("setting", "status"), [("0", 200), ("1", 403)])
def test_the_setting_wins(start_live_system, setting, status):
    system = start_live_system(workers=0, API_REQUIRE_AUTH=setting)
    try:
        assert httpx.get(f"{system.url}/api/v1/classes").status_code == status
        if setting == "0":
            _make_account(system)
            time.sleep(1.1)
            assert httpx.get(f"{system.url}/api/v1/classes").status_code == 200
    finally:
        system.stop()
