"""What is secret is in no log line, however talkative, and in no answer; what goes wrong inside is told to nobody."""

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import connect

from lms.models import Class, ClassKey
from tests.events.conftest import event
from tests.servers import ROOT, wait_until

PASSWORD = "violet-tram-40-bees"
GUESS = "wrong-guess-of-a-password"
METRICS = "metrics-token-0123456789"
SEED = """
from datetime import UTC, datetime
from instructors.models import Instructor
from classroom.setup.invitations import invite
from lms.class_codes import make_code
from lms.class_keys import create_key
from lms.models import Class
import json
account = Instructor.objects.create_user("hanako@example.com", "violet-tram-40-bees", role="admin")
made = Class.objects.create(class_code="PY", name="Python", instructor=account)
now = datetime.now(UTC)
link = invite(made, email="new@example.com", role="assistant", by=account, request=None, now=now)
code = make_code(made, by=account, now=now).code
print(json.dumps({"key": create_key(made)[1], "invitation": link, "code": code}))
"""


@pytest.fixture(scope="module", params=["plain", "json"])
def system(request, start_live_system):
    made = start_live_system(
        workers=1, LOG_FORMAT=request.param, LOG_LEVEL="DEBUG", LOG_REQUESTS="1", METRICS_TOKEN=METRICS
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def secrets(system) -> dict[str, str]:
    """Every kind of secret, each used in every way it can be."""
    known = json.loads(system.manage("shell", "--no-imports", "-v0", "-c", SEED).strip().splitlines()[-1])
    known |= {"password": PASSWORD, "guess": GUESS, "metrics": METRICS}
    use(system, known)
    return known


def use(system, known: dict[str, str]) -> None:
    key, intake = known["key"], f"{system.url}/api/v1/events"
    with httpx.Client(base_url=system.url, timeout=30) as client:
        for ask in ({"params": {"key": key}}, {"headers": {"X-Class-Key": key}}):
            assert client.post(intake, json=[event()], **ask).status_code == 202
            client.get("/api/v1/me?email=x@example.com", **ask)
            client.get("/api/v1/nowhere", **ask)
        join = {"userId": "taro@example.com", "class_code": known["code"]}
        known["device"] = device = client.post("/api/v1/me/token", json=join).json()["token"]
        student = {"Authorization": f"Student {device}"}
        assert client.post(intake, json=[event(emailAddress=None)], headers=student).status_code == 202
        assert client.get("/api/v1/me", headers=student).status_code == 200
        client.get("/api/v1/nowhere", headers=student)
        login = {"email": "hanako@example.com", "password": PASSWORD}
        client.post("/api/v1/auth/login", json={**login, "password": GUESS})
        known["token"] = token = client.post("/api/v1/auth/login", json=login).json()["token"]["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/v1/auth/me", headers=bearer).status_code == 200
        client.put("/api/v1/auth/password", headers=bearer, json={"current_password": GUESS, "new_password": GUESS})
        client.get("/metrics", headers={"Authorization": f"Bearer {METRICS}", "X-Forwarded-For": "1.2.3.4"})
        page = client.get("/login/")
        form = {"csrfmiddlewaretoken": page.text.split('csrfmiddlewaretoken" value="')[1].split('"')[0]}
        client.post("/login/", data={**form, "username": login["email"], "password": GUESS})
        client.post("/login/", data={**form, "username": login["email"], "password": PASSWORD})
        known["session"] = client.cookies[f"sessionid{system.suffix}"]
        known["csrf"] = client.cookies[f"csrftoken{system.suffix}"]
        assert client.get("/").status_code == 200
        assert client.get(f"/invitations/{known['invitation']}/").status_code == 200
        client.post("/api/v1/auth/login", content=b'{"password": "' + PASSWORD.encode() + b'"')
    asyncio.run(talk(system, known))


async def talk(system, known: dict[str, str]) -> None:
    host = f"ws://127.0.0.1:{system.port}"
    cookie = {"Cookie": f"sessionid{system.suffix}={known['session']}; csrftoken{system.suffix}={known['csrf']}"}
    async with connect(f"{host}/instructor/ws?token={known['token']}") as socket:
        await socket.recv()
    async with connect(f"{host}/ws", additional_headers=cookie) as socket:
        await socket.recv()
    for path, headers in (
        ("/instructor/ws?token=" + known["token"][:-3], {}),
        ("/nowhere?key=" + known["key"], cookie),
    ):
        with pytest.raises(Exception, match=r"HTTP 40[34]"):
            await connect(f"{host}{path}", additional_headers=headers)


@pytest.mark.parametrize(
    "name", ["key", "code", "device", "invitation", "token", "session", "csrf", "password", "guess", "metrics"]
)
def test_no_secret_is_in_any_log(system, secrets, name):
    wait_until(lambda: "/api/v1/auth/me" in system.web.log.read_text(), what="the log of what was asked")
    text = "\n".join(file.read_text() for file in system.directory.glob("*.log"))
    assert "DEBUG" in text, "it was to say all it can"
    secret = secrets[name].split(":")[0]
    lines = [line[:300].replace(secret, "SECRET") for line in text.splitlines() if secret in line]
    assert lines == []


def test_a_key_is_kept_as_a_hash_alone(system, secrets):
    """The text of a key is in no column of no row: not even whoever reads the database can use one."""
    code = (
        "from django.apps import apps\n"
        f"secrets = {[secrets['key'], secrets['device'], secrets['invitation'].split(':')[0], secrets['token']]!r}\n"
        "found = [m._meta.label for m in apps.get_models() if m._meta.managed for row in m._default_manager.values()"
        " for value in row.values() if any(secret in str(value) for secret in secrets)]\n"
        "print('found', found)"
    )
    assert system.manage("shell", "--no-imports", "-v0", "-c", code).strip().endswith("found []")


def test_a_key_is_replaced_without_a_gap(db):
    made = Class.objects.create(class_code="X", name="X")
    row = ClassKey.objects.create(class_ref=made, key_hash=ClassKey.hash("abc"))
    assert row.key_hash == ClassKey.hash("abc") != "abc"
    assert len(row.key_hash) == 64


# --- Faults -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["0", "1"], ids=["DEBUG=0", "DEBUG=1"])
def broken(request, start_live_system):
    """A copy whose table of classes is gone: every page and endpoint about classes fails inside."""
    made = start_live_system(
        workers=0, DEBUG=request.param, SECRET_KEY="0123456789abcdef" * 4, ALLOWED_HOSTS="127.0.0.1", HTTPS="0",
        API_REQUIRE_AUTH="0", EVENTS_REQUIRE_KEY="0",
    )  # fmt: skip
    code = "from django.db import connection; connection.cursor().execute('ALTER TABLE classes RENAME TO gone')"
    made.manage("shell", "--no-imports", "-v0", "-c", code)
    yield made
    made.stop()


INSIDE = ("Traceback", "psycopg", "SELECT", "relation", str(ROOT), "site-packages", "line ", "gone")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/classes", None),
        ("GET", "/api/v1/classes/1", None),
        ("POST", "/api/v1/classes", {"name": "X", "class_code": "X"}),
        ("GET", "/api/v1/assignments", None),
        ("GET", "/api/v1/me?key=abc&email=a@example.com", None),
        ("POST", "/api/v1/events?key=abc", [event()]),
        ("POST", "/api/v1/classes", "not json"),
    ],
)
def test_no_answer_of_the_api_tells_what_is_inside(broken, method, path, body):
    answer = httpx.request(method, f"{broken.url}{path}", json=body, timeout=30)
    assert answer.status_code >= 400
    assert answer.headers["Content-Type"].startswith("application/json")
    assert [word for word in INSIDE if word in answer.text] == []
    assert set(answer.json()) == {"detail"}


def test_nor_does_a_page(broken):
    """With DEBUG=1 a page shows its developer why; such a copy serves loopback alone."""
    answer = httpx.get(f"{broken.url}/static/maps/a.jpg", timeout=30)
    assert answer.status_code >= 400
    assert broken.environment["DEBUG"] == "1" or [word for word in INSIDE if word in answer.text] == []
