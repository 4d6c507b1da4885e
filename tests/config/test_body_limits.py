"""How large a body may be: at every address that takes one, just under the limit, over it, compressed, and in chunks.

Through the whole application as it is served (ASGI); what a socket adds is asked of a real server at the end.
"""

import gzip
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import cache

import httpx
import pytest
from django.test import Client

from config import body_limits
from config.asgi import application
from instructors import tokens
from instructors.models import Instructor
from lms.api.schema_views import document
from lms.models import Class
from tests.live import LiveSystem

LIMIT = 64 * 1024
REFUSAL = {"detail": f"The body exceeds the maximum size of {LIMIT} bytes"}


@cache
def addresses() -> list[tuple[str, str]]:
    """What comes to a body when nobody has to log in for it, or everybody has and does."""
    return sorted(
        (method.upper(), re.sub(r"\{[^}]*\}", "1", path))
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    )


@pytest.fixture
def limit(settings) -> int:
    settings.EVENT_BODY_LIMIT = LIMIT
    settings.RATE_LIMITS = False
    return LIMIT


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body of which nobody says how long it is."""
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


def padded(path: str, size: int) -> bytes:
    """Valid JSON of so many bytes, which most addresses find something wrong with."""
    return (b"[]" if "events" in path else b"{}").ljust(size)


def zipped(body: bytes) -> dict[str, object]:
    return {"content": gzip.compress(body), "headers": {"Content-Encoding": "gzip"}}


BODIES = {
    "just under, in chunks": lambda path: {"content": pieces(padded(path, LIMIT))},
    "just over": lambda path: {"content": padded(path, LIMIT + 1)},
    "just over, in chunks": lambda path: {"content": pieces(padded(path, LIMIT + 1))},
    "just over, as gzip": lambda path: zipped(padded(path, LIMIT + 1)),
}
# What needs no row and no key asks for none of them: these get every kind of body.
EVERY_KIND = BODIES | {
    "just under": lambda path: {"content": padded(path, LIMIT)},
    "just under, as gzip": lambda path: zipped(padded(path, LIMIT)),
    "far over": lambda path: {"content": padded(path, LIMIT * 50)},
    "a bomb, as gzip": lambda path: zipped(padded(path, LIMIT * 100)),
}
FEW = [("POST", f"/api/v1/{path}") for path in ("events", "cell-monitor", "offline/queue", "submissions")]
# Inflating is parsing, and comes after the row that the address names.
NAMES_A_ROW = re.compile(r"/1(/|$)|/process-event$")


def test_addresses_that_take_bodies_are_found():
    assert len(addresses()) > 30
    known = {path for _, path in addresses()}
    assert {path for _, path in FEW} <= known
    for part in ("progress/student-progress", "test/events/1", "notebook-version", "environment"):
        assert any(path.startswith(f"/api/v1/{part}") for path in known)


async def answers(kind, asked, headers=None) -> dict[str, object]:
    """What is wrong with the answers, by address."""
    wrong = {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as client:
        for method, path in asked:
            sent = EVERY_KIND[kind](path)
            told = {"Content-Type": "application/json", **sent.pop("headers", {})}
            if re.search("/(admin|auth|instructor|analytics)", path):
                told |= headers or {}
            answer = await client.request(method, path, headers=told, **sent)
            if path.endswith(("/token/confirm", "/me/question")):  # only for a student's device, asked for first
                is_right = answer.status_code == 401
            elif "under" in kind:
                is_right = answer.status_code not in (413, 500)
            elif ("gzip" in kind and method != "POST") or ("gzip" in kind and NAMES_A_ROW.search(path)):
                is_right = answer.status_code in (404, 413, 422)
            else:
                is_right = answer.status_code == 413 and answer.json()["detail"].endswith(REFUSAL["detail"][9:])
            if not is_right or not answer.headers["content-type"].startswith("application/json"):
                wrong[f"{method} {path}"] = (answer.status_code, answer.text[:100])
    return wrong


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", BODIES)
async def test_every_address(limit, redis, kind):
    """No 500 and no page anywhere; over the limit one and the same refusal, and under it never one."""
    admin = await Instructor.objects.acreate(email="kaoru@example.com", name="K", role="admin", password="!")
    token = tokens.issue(admin, now=datetime.now(UTC))
    assert not await answers(kind, addresses(), {"Authorization": f"Bearer {token}"})


@pytest.mark.django_db(transaction=True)
async def test_every_kind_of_body(limit, redis):
    assert not {kind: wrong for kind in EVERY_KIND if (wrong := await answers(kind, FEW))}


@pytest.mark.django_db(transaction=True)
async def test_a_body_in_chunks_is_read_like_any_other(redis):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as client:
        body, kind = json.dumps({"name": "Python", "class_code": "PY"}).encode(), {"Content-Type": "application/json"}
        answer = await client.post("/api/v1/classes", content=pieces(body), headers=kind)
        assert answer.status_code == 201, answer.text
        form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nno picture\r\n--x--\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await client.post("/api/v1/classroom/map/upload", content=pieces(form), headers=kind)
        assert (answer.status_code, answer.json()["detail"][:20]) == (400, "The file is not a re")
    assert await Class.objects.acount() == 1


def test_who_may_not_call_is_told_so_first(db, limit, settings):
    settings.API_REQUIRE_AUTH = True
    answer = Client().post("/api/v1/classes", b" " * (LIMIT + 1), content_type="application/json")
    assert answer.status_code == 403
    answer = Client().post("/api/v1/nowhere", b" " * (LIMIT + 1), content_type="application/json")
    assert answer.status_code == 404


# --- Forms and files -----------------------------------------------------------------------------------------------


def form(name: str, size: int) -> tuple[bytes, str]:
    start = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'.encode()
    return start + b"x" * size + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


@pytest.mark.parametrize("megabytes", [11, 33], ids=lambda number: f"{number} MiB")
def test_a_map_by_the_api_keeps_its_own_words(db, megabytes):
    """http.md section 17: 400, however large."""
    body, kind = form("file", megabytes * 1024**2)
    answer = Client().post("/api/v1/classroom/map/upload", body, content_type=kind)
    assert (answer.status_code, answer.json()) == (400, {"detail": "The file exceeds the maximum size of 10 MiB"})


def test_a_page_says_it_in_a_sentence(db, limit, settings, monkeypatch):
    hanako = Instructor.objects.create(email="hanako@example.com", name="H", password="!")
    room = Class.objects.create(class_code="PY", name="Python", instructor=hanako)
    client = Client()
    client.force_login(hanako)
    body, kind = form("picture", 11 * 1024**2)
    answer = client.post(f"/classes/{room.pk}/room/map/upload/", body, content_type=kind)
    assert answer.status_code == 400
    assert "At most 10 MB can be uploaded" in answer.content.decode()
    monkeypatch.setattr(body_limits, "FORM_LIMIT", 1024**2)
    settings.SUBMISSION_BYTES_LIMIT = 1024
    answer = client.post(f"/classes/{room.pk}/room/map/upload/", body, content_type=kind)
    assert answer.status_code == 413
    assert "At most 1 MB can be sent at once" in answer.content.decode()
    fields = b"title=" + b"x" * LIMIT
    answer = client.post(f"/classes/{room.pk}/setup/", fields, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert "Nothing was changed" in answer.content.decode()
    answer = Client().post("/login/", fields, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413


# --- A real server -------------------------------------------------------------------------------------------------


def raw(system: LiveSystem, head: str, body: bytes) -> bytes:
    """The answer to a client that sends all of it before it listens."""
    with socket.create_connection(("127.0.0.1", system.port), timeout=60) as link:
        link.sendall(f"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode() + body)
        answer = b""
        while piece := link.recv(65536):
            answer += piece
    return answer


@pytest.fixture(scope="module")
def system(start_live_system) -> Iterator[LiveSystem]:
    made = start_live_system(workers=0)
    yield made
    made.stop()


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/submissions", "/api/v1/cell-monitor"])
def test_a_client_that_sends_first_and_listens_then(system, path):
    """At the limit as delivered, 10 MiB: more than that with a length and without, and 5 MiB that are taken."""
    large, kind = b" " * (12 * 1024**2), "Content-Type: application/json"
    told = raw(system, f"POST {path} HTTP/1.1\r\n{kind}\r\nContent-Length: {len(large)}", large)
    assert told.startswith(b"HTTP/1.1 413 "), told[:200]
    assert json.loads(told.split(b"\r\n\r\n")[1])["detail"] == "The body exceeds the maximum size of 10485760 bytes"
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(large), large)
    told = raw(system, f"POST {path} HTTP/1.1\r\n{kind}\r\nTransfer-Encoding: chunked", chunks)
    assert told.startswith(b"HTTP/1.1 413 "), told[:200]
    taken = (b"[]" if path.endswith("events") else b"{}").ljust(5 * 1024**2)
    told = raw(system, f"POST {path} HTTP/1.1\r\n{kind}\r\nContent-Length: {len(taken)}", taken)
    assert told.split(b" ", 2)[1] in (b"202", b"422", b"200"), told[:200]
