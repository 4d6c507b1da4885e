"""One rule for where requests come from: what lets somebody in at the pages opens the live page's socket; and under
which names a copy answers. docs/contract/websocket.md section 2, http.md section 1.2."""

import httpx
import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import Client

from config import cors, env
from config.asgi import application
from config.cors import CorsApplication
from config.path_normalization import normalize
from tests.classroom.sockets.test_dashboard_socket import login
from tests.realtime.conftest import caretaker_stops, refusal  # noqa: F401  (a fixture)

SCHOOL = "https://lms.example.edu"


@pytest.fixture
def server(settings):
    """As on a server, behind its proxy."""
    settings.ALLOWED_HOSTS = ["lms.example.edu"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://lms.example.edu:8443"]
    settings.BACKEND_CORS_ORIGINS = ["https://hub.example.edu"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.HTTPS = True
    return settings


# Origin, Host, whether it is ours
OURS = [
    (SCHOOL, "lms.example.edu", True),
    ("https://lms.example.edu:8443", "lms.example.edu", True),  # CSRF_TRUSTED_ORIGINS
    (SCHOOL, "lms.example.edu:443", True),
    ("https://lms.example.edu:443", "lms.example.edu", True),
    (SCHOOL, "lms.example.edu.", True),
    ("https://lms.example.edu.", "lms.example.edu", True),
    ("https://LMS.Example.EDU", "lms.example.edu", True),
    (SCHOOL, "LMS.example.EDU", True),
    (SCHOOL, "127.0.0.1:8032", True),  # a proxy that changes the host
    (SCHOOL, "web:8000", True),
    ("https://lms.example.edu:9443", "lms.example.edu", False),  # another service of this machine
    ("https://other.example.edu", "lms.example.edu", False),
    ("https://evil.example", "lms.example.edu", False),
    ("https://evil.example", "evil.example", False),  # DNS rebinding
    ("https://lms.example.edu.evil.example", "lms.example.edu", False),
    ("https://evil-lms.example.edu", "lms.example.edu", False),
    ("https://user@lms.example.edu", "lms.example.edu", False),
    ("https://lms.example.edu/path", "lms.example.edu", False),
    ("null", "lms.example.edu", False),
    ("lms.example.edu", "lms.example.edu", False),
    ("file://", "lms.example.edu", False),
    ("chrome-extension://abc", "lms.example.edu", False),
    ("https://", "lms.example.edu", False),
    ("https://lms.example.edu:99999999", "lms.example.edu", False),
]


@pytest.mark.parametrize(("origin", "host", "ours"), OURS)
@pytest.mark.parametrize("forwarded", [{"x-forwarded-proto": "https"}, {"x-forwarded-proto": "wss"}, {}])
async def test_the_socket(server, origin, host, ours, forwarded):
    assert (await refused_at("/ws", origin=origin, host=host, **forwarded) is None) is ours


async def accept(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


async def refused_at(path, *, host, app=None, **headers):
    """The close code of a refused handshake; None where the application behind the rule is reached."""
    sent = [(b"host", host.encode()), *((name.encode(), value.encode()) for name, value in headers.items())]
    communicator = WebsocketCommunicator(app or CorsApplication(accept), path, headers=sent)
    accepted, code = await communicator.connect(timeout=60)
    await communicator.disconnect()
    return None if accepted else code


async def test_the_rule_stands_before_the_real_sockets(redis, transactional_db, server):
    asked = {"app": application, "host": "lms.example.edu:443"}
    assert await refused_at("/api/v1/ws/a@example.com", origin=SCHOOL, **asked) is None
    assert await refused_at("/api/v1/ws/a@example.com", origin="https://evil.example", **asked) is not None


@pytest.mark.parametrize(("origin", "host", "ours"), [row for row in OURS if row[1].lower().startswith("lms")])
def test_the_login_page(db, server, origin, host, ours):
    """What opens the socket is what the form is taken from, to the letter."""
    get_user_model().objects.create_user("teacher@example.com", "violet tram 40 bees")
    client = Client(enforce_csrf_checks=True)
    asked = {"host": host, "x-forwarded-proto": "https"}
    page = client.get("/login/", headers=asked)
    token = page.content.decode().split('csrfmiddlewaretoken" value="')[1].split('"')[0]
    form = {"username": "teacher@example.com", "password": "violet tram 40 bees", "csrfmiddlewaretoken": token}
    answer = client.post("/login/", form, headers={**asked, "origin": origin})
    assert answer.status_code == (302 if ours else 403)


@pytest.mark.parametrize(
    ("listed", "origin", "is_listed"),
    [
        ("http://localhost:*", "http://localhost:8888", True),
        ("http://localhost:*", "http://localhost", True),
        ("http://localhost:*", "https://localhost:8888", False),
        ("http://localhost:*", "http://localhost.evil.example:8888", False),
        ("http://127.0.0.1:*", "http://127.0.0.1:8888", True),
        ("http://127.0.0.1:*", "http://127.0.0.1.evil.example", False),
        ("http://[::1]:*", "http://[::1]:8888", True),
        ("https://*.example.edu", "https://hub.example.edu", True),
        ("https://*.example.edu", "https://example.edu", False),
        ("https://*.example.edu", "https://badexample.edu", False),
        ("https://hub.example.edu:443", "https://hub.example.edu", True),
        ("https://hub.example.edu/", "https://hub.example.edu", True),
        ("https://学校.example", "https://xn--ehq39e83a.example", False),
        ("https://学校.example", "https://xn--48s290a.example", True),
        ("*", "https://anything.example", True),
        ("null", "null", True),
        ("https://hub.example.edu", "null", False),
    ],
)
def test_lists_of_origins(listed, origin, is_listed):
    assert cors.is_listed(origin, [listed]) is is_listed


@pytest.mark.parametrize(
    ("sent", "host"),
    [("Lms.Example.EDU.", "lms.example.edu"),
     ("学校.example", "xn--48s290a.example"), (".学校.example", ".xn--48s290a.example"),
     ("*", "*"), ("ＬＭＳ.example", "lms.example")],
)  # fmt: skip
def test_names_of_hosts(sent, host, monkeypatch):
    monkeypatch.setenv("HOSTS", sent)
    assert env.hosts("HOSTS", []) == [host]


async def test_only_our_own_pages_bring_their_login_along(redis, transactional_db, settings):
    """A notebook's script may run at a listed origin, with the teacher's cookie: same host, another port."""
    settings.API_REQUIRE_AUTH = True
    settings.BACKEND_CORS_ORIGINS = ["http://server:8888", "http://localhost:*"]
    cookie = await login("teacher@example.com", role="admin")
    assert await refusal("/ws", cookie=cookie, origin="http://server") is None
    for origin in ("http://server:8888", "http://localhost:8888"):
        assert await refusal("/ws", cookie=cookie, origin=origin) is not None
        assert await refusal("/api/v1/ws/a@example.com", cookie=cookie, origin=origin) is None


async def test_a_forwarded_host_counts_where_the_setting_says_so(server):
    server.CSRF_TRUSTED_ORIGINS, server.ALLOWED_HOSTS = [], [".example.edu"]
    asked = {"host": "web:8000", "origin": SCHOOL, "x-forwarded-host": "lms.example.edu"}
    assert await refused_at("/ws", **asked) is not None
    server.USE_X_FORWARDED_HOST = True
    assert await refused_at("/ws", **asked) is None
    assert await refused_at("/ws", **{**asked, "x-forwarded-host": "evil.example"}) is not None


# --- The host ---------------------------------------------------------------------------------------------------------


def ask():
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost")


HEALTH = ["/health/", "/api/v1/health", "/api/v1/health/live", "/api/v1/health/ready", "/api/v1/v1/health/simple/",
          "/api/v1/events/health"]  # fmt: skip
STRANGE_HOSTS = ["10.0.3.7:8000", "10.0.3.7", "[fd00::7]:8000", "evil.example", "web:8000", "a b", "x" * 300, "_under_"]


async def test_health_answers_a_probe_by_address(redis, transactional_db, server):
    async with ask() as client:
        for path in HEALTH:
            for host in STRANGE_HOSTS:
                answer = await client.get(path, headers={"host": host})
                assert answer.status_code in (200, 503), (path, host)  # 503: without workers
                assert "status" in answer.json().get("detail", answer.json())


@pytest.mark.parametrize("host", STRANGE_HOSTS)
def test_health_in_django_alone(db, server, host):
    assert Client().get("/api/v1/health/live", headers={"host": host}).status_code == 200
    assert Client().get("/", headers={"host": host}).status_code == 400, "every other address keeps the check"


def test_metrics_by_number_only(db, redis, server):
    assert Client().get("/metrics", headers={"host": "10.0.3.7:8000"}).status_code == 200
    assert Client().get("/metrics", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/classes", "/api/v1/events", "/metrics", "/login/", "/api/v1/cell-monitor"]
)
async def test_a_name_of_somebody_elses_is_refused_before_django_shows_its_inside(redis, db, settings, path):
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    async with ask() as client:
        for host in ("evil.example", "localhost.evil.example:8000", "127.0.0.1.evil.example"):
            answer = await client.post(path, json=[], headers={"host": host})
            assert answer.status_code == 400
            assert "ALLOWED_HOSTS" in answer.text
            assert "Traceback" not in answer.text
            assert "SECRET" not in answer.text


async def test_the_intake_hears_numbers_and_names_of_the_house(redis, settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    async with ask() as client:
        for host in ("192.168.1.5:8000", "teacher-laptop:8000", "[fd00::1]:8000"):
            assert (await client.post("/api/v1/events", json=[], headers={"host": host})).status_code == 202
        settings.EVENTS_REQUIRE_KEY = True  # who needs a key cannot be a page under another name
        assert (await client.post("/api/v1/events", json=[], headers={"host": "in.school.example"})).status_code == 202


async def test_sockets_under_a_name_of_somebody_elses(redis, settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    for origin in ({}, {"origin": "http://evil.example"}, {"origin": "http://localhost:8888"}):
        assert await refused_at("/ws", host="evil.example", **origin) is not None
    assert await refused_at("/ws", host="localhost:8000", origin="http://localhost:8000") is None


# --- Slashes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "is_socket", "short"),
    [
        ("//api/v1/events", False, "/api/v1/events"),
        ("/api/v1//events", False, "/api/v1/events"),
        ("/api//v1///events//", False, "/api/v1/events/"),
        ("//api/v1/classes/1", False, "/api/v1/classes/1"),
        ("//ws", True, "/ws"),
        ("//api/v1//ws/a@example.com", True, "/api/v1/ws/a@example.com"),
        ("//login/", False, "//login/"),
        ("//evil.example/api/v1/events", False, "//evil.example/api/v1/events"),
        # a notebook below the root of its machine
        ("/api/v1/notebook-version/history//home/a.ipynb", False, "/api/v1/notebook-version/history//home/a.ipynb"),
        ("/api/v1/events", False, "/api/v1/events"),
    ],
)
def test_slashes(path, is_socket, short):
    assert normalize(path, is_socket=is_socket) == short
