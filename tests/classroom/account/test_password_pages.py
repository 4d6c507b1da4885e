"""The way back in: links to a new password, by an administrator, a command or a mail."""

import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from classroom.account import mail as mailing
from config.logs import redacted
from instructors import password_links
from instructors.models import AuditLog, Instructor
from tests.classroom.conftest import PASSWORD

NEW = {"password": "a better one 7", "repeated": "a better one 7"}
BASE = "http://testserver"


def link(account: Instructor) -> str:
    return password_links.link(account, base=BASE).removeprefix(BASE)


def opens(account: Instructor, password: str) -> bool:
    return Client().post("/login/", {"username": account.email, "password": password}).status_code == 302


@pytest.fixture
def limited(settings, redis):
    settings.RATE_LIMITS, settings.LOGIN_FAILURES = True, 3


def test_an_administrator_makes_a_link_and_its_owner_chooses(signed_in, kaoru, hanako):
    old = Client()
    old.force_login(hanako)
    made = signed_in(kaoru).post(f"/accounts/{hanako.pk}/password-link/")
    assert made.status_code == 200
    [address] = re.findall(r"<code>http://testserver(/password/[^<]+)</code>", made.content.decode())
    owner = Client()
    assert "hanako@example.com" in owner.get(address).content.decode()
    assert owner.post(address, NEW).headers["Location"] == "/"
    assert owner.get("/account/").status_code == 200
    assert old.get("/account/").status_code == 302
    assert opens(hanako, NEW["password"])
    assert not opens(hanako, PASSWORD)
    found = AuditLog.objects.filter(action__startswith="password_").order_by("pk").values_list("action", "actor_email")
    assert list(found) == [("password_link", "kaoru@example.com"), ("password_reset", "hanako@example.com")]
    assert not AuditLog.objects.filter(details__icontains=address.split("/")[2]).exists()


def test_only_an_administrator_makes_one(signed_in, hanako, taro):
    client = signed_in(hanako)
    assert client.get("/accounts/").status_code == 404
    for owner in (hanako, taro):
        assert client.post(f"/accounts/{owner.pk}/password-link/").status_code == 404
    assert not AuditLog.objects.filter(action="password_link").exists()


def test_a_link_works_once(hanako):
    address = link(hanako)
    assert Client().post(address, NEW).status_code == 302
    second = Client().post(address, {"password": "of somebody else", "repeated": "of somebody else"})
    assert second.status_code == 410
    assert opens(hanako, NEW["password"])


def test_a_link_ends_with_a_login_a_new_password_and_the_account(hanako, settings):
    links = [link(hanako)]
    assert opens(hanako, PASSWORD)
    hanako.refresh_from_db()
    links.append(link(hanako))
    hanako.set_password("yet another 5")
    hanako.save()
    links.append(link(hanako))
    Instructor.objects.filter(pk=hanako.pk).update(is_active=False)
    for address in links:
        assert Client().post(address, NEW).status_code == 410
    Instructor.objects.filter(pk=hanako.pk).update(is_active=True)
    for address in links:
        assert Client().post(address, NEW).status_code == 410, "not even when it is switched on again"
    hanako.refresh_from_db()
    late = link(hanako)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert Client().post(late, NEW).status_code == 410
    assert not opens(hanako, NEW["password"])


@pytest.mark.parametrize("token", ["guess", "1-guess", "zzzzzzzzzzzzz-1-2", "-1-c-d", "%00", "１-a-b", "x" * 5000])
def test_a_guess_opens_nothing(db, redis, token):
    assert Client().post(f"/password/{token}/", NEW).status_code == 410


def test_a_link_is_its_accounts_alone(hanako, taro, redis):
    mine, other = link(hanako).split("/")[2], link(taro).split("/")[2]
    mixed = f"{other.partition('-')[0]}-{mine.partition('-')[2]}"
    assert Client().post(f"/password/{mixed}/", NEW).status_code == 410
    assert opens(taro, PASSWORD)


def test_guesses_are_limited(hanako, limited):
    for _ in range(3):
        assert Client().get("/password/guess/").status_code == 410
    answer = Client().get("/password/guess/")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert Client(REMOTE_ADDR="192.0.2.7").get("/password/guess/").status_code == 410


def test_who_guesses_locks_nobody_out_who_shares_the_address(hanako, limited):
    for _ in range(4):
        Client().get("/password/guess/")
    assert Client().post(link(hanako), NEW).status_code == 302


def test_a_weak_password_is_said_and_the_link_stays(hanako):
    address = link(hanako)
    assert "8 characters" in Client().post(address, {"password": "short", "repeated": "short"}).content.decode()
    assert "differ" in Client().post(address, {**NEW, "repeated": "something else"}).content.decode()
    assert Client().post(address, NEW).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_sets_it(redis):
    account = Instructor.objects.create_user("mei@example.com", PASSWORD)
    address, start = link(account), threading.Barrier(2)

    def post(password: str) -> int:
        start.wait()
        try:
            return Client().post(address, {"password": password, "repeated": password}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        found = sorted(threads.map(post, ["one of them 1", "one of them 2"]))
    assert found == [302, 410]


def test_the_command_prints_a_link(hanako):
    out = io.StringIO()
    call_command("password_link", email="HANAKO@example.com", url=f"{BASE}/", stdout=out)
    assert Client().get(out.getvalue().strip().removeprefix(BASE)).status_code == 200
    with pytest.raises(CommandError, match="no account of nobody@example"):
        call_command("password_link", email="nobody@example.com")
    Instructor.objects.update(is_active=False)
    with pytest.raises(CommandError, match="switched off"):
        call_command("password_link", email="hanako@example.com")


def test_no_log_holds_a_link(hanako):
    assert redacted(f"GET {link(hanako)} 200") == "GET /password/[redacted]/ 200"
    assert redacted("POST /account/password/ 302") == "POST /account/password/ 302"


def test_without_mail_the_page_says_whom_to_ask(db):
    page = Client().get("/password/").content.decode()
    assert "Ask an administrator" in page
    assert "manage.py password_link" in page
    assert Client().post("/password/", {"email": "hanako@example.com"}).status_code == 200
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_with_mail_a_link_is_sent_to_accounts_alone_and_the_answer_is_the_same(settings, redis):
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example.org", "cells@example.org"
    account = Instructor.objects.create_user("mei@example.com", PASSWORD)
    Instructor.objects.create_user("gone@example.com", PASSWORD)
    Instructor.objects.filter(email="gone@example.com").update(is_active=False)
    answers = {}
    for address in ("MEI@example.com", "gone@example.com", "nobody@example.com"):
        said = Client().post("/password/", {"email": address}).content.decode().replace(address, "…")
        answers[address] = re.sub(r'value="[^"]{40,}"', "", said)
        mailing._thread.submit(int).result()
    assert len(set(answers.values())) == 1
    [sent] = mail.outbox
    assert sent.to == ["mei@example.com"]
    [address] = re.findall(r"http://testserver(/password/\S+)", sent.body)
    assert Client().post(address, NEW).status_code == 302
    assert opens(account, NEW["password"])


@pytest.mark.django_db(transaction=True)
def test_mails_to_one_address_are_limited(settings, redis):
    settings.EMAIL_HOST, settings.RATE_LIMITS = "mail.example.org", True
    codes = [Client().post("/password/", {"email": "mei@example.com"}).status_code for _ in range(6)]
    mailing._thread.submit(int).result()
    assert codes == [200] * 5 + [429]
