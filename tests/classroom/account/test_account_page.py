"""The account page: the own password, logins, tokens and keys, of whoever is logged in and of nobody else."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from classroom.account.browsers import browser_of
from instructors import tokens
from instructors.models import AuditLog
from lms.models import ClassKey
from tests.classroom.conftest import PASSWORD

NEW = "a better one 7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) AppleWebKit/605 (KHTML, like Gecko) Version/17.5 Mobile Safari/604.1"


def logged_in(email: str = "hanako@example.com", program: str = FIREFOX, password: str = PASSWORD, **extra) -> Client:
    client = Client(headers={"user-agent": program}, **extra)
    assert client.post("/login/", {"username": email, "password": password}).status_code == 302
    # A browser sends a cookie only below its path (the one of `instructors.known_browsers`), this client everywhere.
    for name in [name for name, cookie in client.cookies.items() if cookie["path"] != "/"]:
        del client.cookies[name]
    return client


def change(client: Client, **fields: str):
    return client.post("/account/password/", {"current": PASSWORD, "password": NEW, "repeated": NEW, **fields})


def test_whoever_knows_their_password_sets_another_and_stays(hanako):
    client, other = logged_in(), logged_in(program=SAFARI)
    token, key = tokens.issue(hanako, now=datetime.now(UTC)), client.session.session_key
    assert change(client).headers["Location"] == "/account/"
    assert client.get("/account/").status_code == 200
    assert client.session.session_key != key, "a stolen key opens nothing"
    assert other.get("/account/").status_code == 302
    assert Client(headers={"authorization": f"Bearer {token}"}).get("/api/v1/auth/me").status_code == 401
    logged_in(password=NEW)
    assert AuditLog.objects.filter(action="password_change", outcome="success", actor_id=hanako.pk).count() == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"current": "another"}, "not your present password"),
        ({"repeated": "something else"}, "The two passwords differ"),
        ({"password": "short", "repeated": "short"}, "8 characters"),
        ({"password": "hanako@example.com", "repeated": "hanako@example.com"}, "too similar"),
        ({"current": ""}, "required"),
    ],
)
def test_what_is_refused_changes_nothing(hanako, fields, said):
    client = logged_in()
    before = hanako.password
    answer = change(client, **fields)
    assert said in answer.content.decode()
    hanako.refresh_from_db()
    assert hanako.password == before
    assert NEW not in answer.content.decode()


def test_guessing_the_present_password_locks_out_as_a_login_does(hanako, settings):
    settings.RATE_LIMITS, settings.LOGIN_FAILURES = True, 3
    client = logged_in()
    for _ in range(3):
        assert change(client, current="guess").status_code == 200
    refused = change(client)
    assert refused.status_code == 429
    assert "Too many wrong passwords from here" in refused.content.decode()
    assert Client().post("/login/", {"username": hanako.email, "password": PASSWORD}).status_code == 429
    assert AuditLog.objects.filter(action="password_change", outcome="failure").count() == 3


def test_the_logins_are_shown_and_end_one_by_one(hanako, taro):
    client, phone = logged_in(), logged_in(program=SAFARI, REMOTE_ADDR="192.0.2.7")
    stranger = logged_in(email="taro@example.com", program="Opera OPR/1")
    page = client.get("/account/").content.decode()
    assert page.index("Firefox, Linux") < page.index("this one") < page.index("Safari, iPhone")
    assert "192.0.2.7" in page
    assert "Opera" not in page
    for session in Session.objects.all():
        assert session.session_key not in page
    [end] = re.findall(r'action="(/account/logins/[0-9a-f]{16}/end/)"', page)
    assert stranger.post(end).status_code == 404
    assert phone.get("/account/").status_code == 200
    assert client.post(end).headers["Location"] == "/account/"
    assert phone.get("/account/").status_code == 302
    assert client.post(end).status_code == 404
    assert stranger.get("/account/").status_code == 200


def test_all_others_and_all_tokens_end_at_once(hanako):
    client, other = logged_in(), logged_in(program=SAFARI)
    token = tokens.issue(hanako, now=datetime.now(UTC))
    client.post("/account/logins/end/")
    assert client.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302
    assert Client(headers={"authorization": f"Bearer {token}"}).get("/api/v1/auth/me").status_code == 401
    logged_in()


def test_a_token_is_shown_once_and_works(hanako):
    client = logged_in()
    answer = client.post("/account/token/")
    [token] = re.findall(r"<code>(ey[\w.-]+)</code>", answer.content.decode())
    asked = Client(headers={"authorization": f"Bearer {token}"}).get("/api/v1/auth/me")
    assert asked.json()["email"] == "hanako@example.com"
    assert "no-store" in answer.headers["Cache-Control"]
    assert token not in client.get("/account/").content.decode()
    assert client.get("/account/token/").status_code == 405


def test_the_keys_are_those_of_the_classes_one_sets_up(hanako, taro, python_class):
    ClassKey.objects.create(class_ref=python_class, key_hash="1" * 64, hint="open-key")
    ClassKey.objects.create(class_ref=python_class, key_hash="2" * 64, hint="over-key", revoked_at=datetime.now(UTC))
    mine = logged_in().get("/account/").content.decode()
    assert "open-key" in mine
    assert "over-key" not in mine
    assert f'href="/classes/{python_class.pk}/setup/connection/"' in mine
    assert "open-key" not in logged_in(email="taro@example.com").get("/account/").content.decode()


def test_what_happened_at_the_door_is_shown_to_its_owner(hanako, taro):
    Client().post("/login/", {"username": "Hanako@Example.com", "password": "guess"}, REMOTE_ADDR="192.0.2.9")
    page = logged_in().get("/account/").content.decode()
    assert "Failed to log in" in page
    assert "192.0.2.9" in page
    assert "Failed to log in" not in logged_in(email="taro@example.com").get("/account/").content.decode()


@pytest.mark.parametrize(
    ("program", "name"),
    [
        (FIREFOX, "Firefox, Linux"),
        (SAFARI, "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/120.0 Safari/537 Edg/120.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/120.0 Mobile Safari/537", "Chrome, Android"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_named_shortly(program, name):
    assert browser_of(program) == name


def test_the_menu_leads_there(hanako, kaoru):
    assert 'href="/account/"' in (mine := logged_in().get("/").content.decode())
    assert 'href="/accounts/"' not in mine
    assert 'href="/accounts/"' in logged_in(email="kaoru@example.com").get("/").content.decode()
