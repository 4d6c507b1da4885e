"""Passwords are hashed a few at a time, whoever asks, and nobody holds a connection to the database meanwhile."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from classroom.setup.invitations import invite
from instructors import hashing, tokens
from instructors.models import Instructor
from lms.models import Class
from tests.classroom.conftest import PASSWORD
from tests.servers import wait_until

NEW = "violet tram 40 bees"


@pytest.fixture(autouse=True)
def _as_in_production(settings, monkeypatch) -> Iterator[None]:
    """With the real hasher, only cheaper."""
    settings.PASSWORD_HASHERS = ["instructors.hashing.Hasher"]
    monkeypatch.setattr(hashing.Hasher, "rounds", 4)
    hashing._reset_after_fork()
    yield
    hashing._reset_after_fork()


def put(queue: hashing.HashingQueue, monkeypatch) -> hashing.HashingQueue:
    monkeypatch.setattr(hashing, "_queue", queue)
    return queue


class Turnstile:
    """Hashes that take until they are let go, and how many of them were at work at once."""

    def __init__(self, monkeypatch) -> None:
        self.open, self.lock = threading.Event(), threading.Lock()
        self.now = self.maximum = 0
        encode = hashing.BCryptSHA256PasswordHasher.encode

        def slow(hasher, password, salt):
            with self.lock:
                self.now += 1
                self.maximum = max(self.maximum, self.now)
            assert self.open.wait(20)
            with self.lock:
                self.now -= 1
            return encode(hasher, password, salt)

        monkeypatch.setattr(hashing.BCryptSHA256PasswordHasher, "encode", slow)


@pytest.fixture
def turnstile(monkeypatch) -> Iterator[Turnstile]:
    made = Turnstile(monkeypatch)
    yield made
    made.open.set()


def start(number: int, work) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


def test_never_more_at_once_than_may(turnstile, monkeypatch):
    queue = put(hashing.HashingQueue(2, waiting=30), monkeypatch)
    made: list[str] = []
    threads = start(16, lambda: made.append(make_password(PASSWORD)))
    wait_until(lambda: queue._taken == 16, what="sixteen callers")
    wait_until(lambda: turnstile.now == 2, what="two hashes at work")
    turnstile.open.set()
    for thread in threads:
        thread.join()
    assert turnstile.maximum == 2
    assert len(set(made)) == 16
    assert queue._taken == 0
    assert check_password(PASSWORD, made[0])
    assert not check_password("wrong", made[0])


def test_half_of_the_cores_are_left_to_others(settings, monkeypatch):
    settings.PASSWORD_HASHES_AT_ONCE = 3
    assert hashing.hashing_queue().at_once == 3


def test_more_than_may_wait_are_refused_at_once(turnstile, monkeypatch):
    queue = put(hashing.HashingQueue(1, waiting=2), monkeypatch)
    threads = start(3, lambda: make_password(PASSWORD))
    wait_until(lambda: queue.is_full, what="a full queue")
    with pytest.raises(hashing.Busy):
        make_password(PASSWORD)
    turnstile.open.set()
    for thread in threads:
        thread.join()
    assert make_password(PASSWORD)


def test_nobody_waits_for_ever(turnstile, monkeypatch):
    queue = put(hashing.HashingQueue(1, timeout=0.05), monkeypatch)
    with pytest.raises(hashing.Busy):
        make_password(PASSWORD)
    assert queue._taken == 0


@pytest.fixture
def full(turnstile, monkeypatch) -> Iterator[None]:
    queue = put(hashing.HashingQueue(1, waiting=0), monkeypatch)
    threads = start(1, lambda: make_password(PASSWORD))
    wait_until(lambda: queue.is_full, what="a full queue")
    yield
    turnstile.open.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def people(db) -> tuple[Instructor, Instructor]:
    with hashing_as_ever():
        hanako = Instructor.objects.create_user("hanako@example.com", PASSWORD, name="Hanako")
        return hanako, Instructor.objects.create_user("kaoru@example.com", PASSWORD, name="Kaoru", role="admin")


def hashing_as_ever():
    """Passwords are there already when the test begins."""
    return hashing.hash_ahead(PASSWORD)


def bearer(account: Instructor) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.issue(account, now=datetime.now(UTC))}"}


@pytest.mark.django_db(transaction=True)
def test_a_full_bench_is_503_at_every_door_and_counts_against_nobody(people, full):
    hanako, kaoru = people
    client = Client(raise_request_exception=False)
    login = {"email": hanako.email, "password": PASSWORD}
    change = {"current_password": PASSWORD, "new_password": NEW}
    newcomer = {"email": "new@example.com", "name": "New", "password": NEW}
    answers = [
        client.post("/api/v1/auth/login", login, content_type="application/json"),
        client.put("/api/v1/auth/password", change, content_type="application/json", headers=bearer(hanako)),
        client.post("/api/v1/instructors", newcomer, content_type="application/json", headers=bearer(kaoru)),
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert answer.json() == {"detail": "Too many passwords are being checked at once; try again"}
    page = client.post("/login/", {"username": hanako.email, "password": PASSWORD})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
    assert "Too many people are logging in at this moment" in page.content.decode()
    assert not AccessAttempt.objects.exists(), "what was not judged is no failure"
    assert not Instructor.objects.filter(email="new@example.com").exists()


WAYS = [
    "login by the API",
    "login of nobody by the API",
    "login by the page",
    "login of nobody by the page",
    "change of the password",
    "an account by the API",
    "an account by the administration",
    "a password by the administration",
    "an invitation",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", WAYS)
def test_no_connection_is_held_during_the_hash(people, monkeypatch, way):
    """Watched where the caller waits: the hash itself is made in a thread that never had one."""
    hanako, kaoru = people
    held: list[bool] = []
    do = hashing.HashingQueue.do

    def watched(queue, work):
        held.append(connection.connection is not None)
        return do(queue, work)

    client, admin_client = Client(), Client()
    client.force_login(kaoru)
    admin_client.force_login(kaoru)
    twice = {"password1": NEW, "password2": NEW}
    link = ""
    if way == "an invitation":
        room = Class.objects.create(class_code="PY", name="Python", instructor=hanako)
        token = invite(room, email="yui@example.com", role="instructor", by=hanako, request=None, now=datetime.now(UTC))
        link = reverse("invitation", args=[token])
    monkeypatch.setattr(hashing.HashingQueue, "do", watched)
    json = {"content_type": "application/json"}
    nobody = {"email": "nobody@example.com", "password": PASSWORD}
    page = {"username": hanako.email, "password": PASSWORD}
    account = {"email": "new@example.com", "name": "New", "role": "instructor"}
    answer = {
        "login by the API": lambda: Client().post("/api/v1/auth/login", {**page, "email": hanako.email}, **json),
        "login of nobody by the API": lambda: Client().post("/api/v1/auth/login", nobody, **json),
        "login by the page": lambda: Client().post("/login/", page),
        "login of nobody by the page": lambda: Client().post("/login/", {**page, "username": "nobody@example.com"}),
        "change of the password": lambda: Client().put(
            "/api/v1/auth/password",
            {"current_password": PASSWORD, "new_password": NEW},
            headers=bearer(hanako),
            **json,
        ),
        "an account by the API": lambda: Client().post(
            "/api/v1/instructors", {**account, "password": NEW}, headers=bearer(kaoru), **json
        ),
        "an account by the administration": lambda: admin_client.post(
            reverse("admin:instructors_instructor_add"), {**account, **twice}
        ),
        "a password by the administration": lambda: admin_client.post(
            reverse("admin:auth_user_password_change", args=[hanako.pk]), {**twice, "usable_password": "true"}
        ),
        "an invitation": lambda: Client().post(link, {"name": "Yui", "password": NEW, "repeated": NEW}),
    }[way]()
    refused = {"login of nobody by the API": 401, "login of nobody by the page": 200}
    assert answer.status_code == refused.get(way, answer.status_code)
    assert way in refused or answer.status_code in (200, 201, 302), answer.content
    assert held == [False] * (2 if way == "change of the password" else 1), "one hash for each, unknown accounts too"
    monkeypatch.undo()
    changed = {"change of the password": hanako.email, "a password by the administration": hanako.email}
    made = {
        **changed,
        "an account by the API": "new@example.com",
        "an account by the administration": "new@example.com",
    }
    if email := {**made, "an invitation": "yui@example.com"}.get(way):
        assert Instructor.objects.get(email=email).password.startswith("bcrypt_sha256$$2b$")
        assert check_password(NEW, Instructor.objects.get(email=email).password)


@pytest.mark.django_db(transaction=True)
def test_in_a_transaction_the_connection_stays():
    with transaction.atomic():
        Class.objects.exists()
        make_password(PASSWORD)
        assert connection.connection is not None
