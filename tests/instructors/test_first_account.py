"""The first account: what the login page says without one, and the link that makes it."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from config.logs import redacted
from instructors import first_account
from instructors.models import AuditLog, Instructor

CHOSEN = {"email": "mei@example.com", "name": "Mei", "password": "long enough", "repeated": "long enough"}


def link() -> str:
    return first_account.link("http://127.0.0.1:8000").removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def limited(settings, redis):
    """Failures are counted, and none is yet."""
    settings.RATE_LIMITS = True
    settings.LOGIN_FAILURES = 3


def test_without_an_account_the_login_page_says_so_and_how_to_make_one(client, db):
    for answer in (client.get("/login/"), client.post("/login/", {"username": "a@b.example", "password": "x"})):
        page = answer.content.decode()
        assert "There is no account yet" in page
        assert "manage.py first_account_link" in page
        assert "do not match" not in page
    Instructor.objects.create_user("mei@example.com", "long enough")
    assert "There is no account yet" not in client.get("/login/").content.decode()


def test_the_link_makes_an_administrator_who_is_logged_in(client, db):
    address = link()
    assert "Make my account" in client.get(address).content.decode()
    before = client.session.session_key
    assert client.post(address, CHOSEN).headers["Location"] == "/"
    mei = Instructor.objects.get()
    assert (mei.email, mei.name, mei.is_admin) == ("mei@example.com", "Mei", True)
    assert mei.check_password("long enough")
    assert client.get("/").status_code == 200
    assert client.session.session_key != before
    assert list(AuditLog.objects.order_by("pk").values_list("action", flat=True)) == ["instructor_create", "login"]


def test_the_link_works_once(client, db):
    address = link()
    client.post(address, CHOSEN)
    for answer in (Client().get(address), Client().post(address, {**CHOSEN, "email": "eve@example.com"})):
        assert answer.status_code == 410
        assert "The first account already exists" in answer.content.decode()
    assert Instructor.objects.count() == 1


def test_an_expired_link_makes_nothing(client, db, monkeypatch):
    address = link()
    monkeypatch.setattr(first_account, "VALID", timedelta(seconds=-1))
    answer = client.post(address, CHOSEN)
    assert answer.status_code == 410
    assert "manage.py first_account_link" in answer.content.decode()
    assert not Instructor.objects.exists()


@pytest.mark.parametrize("token", ["guess", "guess:1abcde:signature", "x" * 5000, "%00", "設定"])
def test_a_guess_is_no_link(client, db, redis, token):
    assert client.post(f"/first-account/{token}/", CHOSEN).status_code == 404
    assert not Instructor.objects.exists()


def test_a_link_of_another_copy_is_none(client, db, redis, settings):
    address = link()
    settings.SECRET_KEY = "another secret of another copy of it"
    assert client.post(address, CHOSEN).status_code == 404


def test_guesses_are_limited(client, db, limited):
    for _ in range(3):
        assert client.get("/first-account/guess/").status_code == 404
    answer = client.get("/first-account/guess/")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get(link()).status_code == 200, "a guesser who shares the address locks nobody out"
    assert client.get(link(), REMOTE_ADDR="192.0.2.7").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"repeated": "long enouhg"}, "The two passwords differ."),
        ({"password": "short", "repeated": "short"}, "8 characters"),
        ({"email": "mei"}, "valid email"),
        ({"name": ""}, "required"),
    ],
)
def test_what_cannot_be_stored_is_said_and_nothing_is_lost(client, db, wrong, said):
    page = client.post(link(), {**CHOSEN, **wrong}).content.decode()
    assert said in page
    assert f'value="{ {**CHOSEN, **wrong}["email"] }"' in page
    assert not Instructor.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_makes_it(redis):
    address, start = link(), threading.Barrier(2)

    def post(email: str) -> int:
        start.wait()
        try:
            return Client().post(address, {**CHOSEN, "email": email}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        found = sorted(threads.map(post, ["mei@example.com", "eve@example.com"]))
    assert found == [302, 410]
    assert Instructor.objects.count() == 1


def test_no_log_holds_the_link():
    line = f"GET {link()} 200"
    assert redacted(line) == "GET /first-account/[redacted]/ 200"


def test_the_command_prints_a_link_while_there_is_no_account(client, db):
    out = io.StringIO()
    call_command("first_account_link", url="https://cells.example.org/", stdout=out)
    base, _, path = out.getvalue().strip().partition(".org")
    assert base == "https://cells.example"
    assert client.get(path).status_code == 200
    Instructor.objects.create_user("mei@example.com", "long enough")
    with pytest.raises(CommandError, match="an account already"):
        call_command("first_account_link")
