"""Who fails to log in too often has to wait: at every door, from one address, for one e-mail, and not for ever."""

import threading
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from rest_framework.exceptions import Throttled

from instructors import lockout
from instructors.models import AuditLog
from operations import retention
from tests.classroom.conftest import PASSWORD

API = "/api/v1/auth/login"


@pytest.fixture(autouse=True)
def _few(settings):
    settings.LOGIN_FAILURES = 3


def page_login(password, *, address="203.0.113.7", email="hanako@example.com", path="/login/"):
    fields = {"username": email, "password": password}
    return Client(REMOTE_ADDR=address).post(path, fields, follow=False)


def api_login(password, *, address="203.0.113.7", email="hanako@example.com"):
    body = {"email": email, "password": password}
    return Client(REMOTE_ADDR=address).post(API, body, content_type="application/json")


def fail(times=3, **where):
    for _ in range(times):
        page_login("wrong", **where)


def test_the_page_says_in_words_when_to_try_again(hanako):
    fail()
    refused = page_login(PASSWORD)
    assert refused.status_code == 429
    text = refused.content.decode()
    assert "Try again in 5 minutes" in text
    assert 'value="hanako@example.com"' in text, "what was typed is kept"
    assert 290 < int(refused.headers["Retry-After"]) <= 300
    assert PASSWORD not in text


def test_pages_and_programs_count_together(hanako):
    fail(2)
    assert api_login("wrong").status_code == 401
    assert api_login(PASSWORD).status_code == 429
    assert page_login(PASSWORD).status_code == 429


def test_from_elsewhere_the_account_opens_and_here_all_others(hanako, taro):
    fail()
    assert page_login(PASSWORD).status_code == 429
    assert page_login(PASSWORD, address="198.51.100.4").status_code == 302
    assert page_login(PASSWORD, email="taro@example.com").status_code == 302


def test_a_success_forgets_what_failed_before(hanako):
    fail(2)
    assert page_login(PASSWORD).status_code == 302
    fail(2)
    assert page_login(PASSWORD).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_the_case_of_the_address_is_no_way_around(hanako):
    fail(2)
    fail(1, email=" Hanako@EXAMPLE.com ")
    assert page_login(PASSWORD).status_code == 429


def test_who_shares_the_address_does_not_lock_out_a_browser_that_was_let_in_before(hanako, taro):
    """A student who guesses at the teacher's address in the class room."""
    mine, fields = Client(REMOTE_ADDR="203.0.113.7"), {"username": hanako.email, "password": PASSWORD}
    assert mine.post("/login/", fields).status_code == 302
    mine.post("/logout/")
    fail(6)
    assert page_login(PASSWORD).status_code == 429
    assert mine.post("/login/", fields).status_code == 302
    assert page_login(PASSWORD).status_code == 429, "the lock of the others stays"
    mine.post("/logout/")
    other = [mine.post("/login/", {"username": taro.email, "password": "wrong"}).status_code for _ in range(4)]
    assert other == [200, 200, 200, 429]
    assert page_login(PASSWORD, email=taro.email).status_code == 429, "for another account it is like any browser"


def test_a_known_browser_may_fail_no_more_often_than_a_stranger(hanako):
    mine = Client(REMOTE_ADDR="203.0.113.7")
    mine.post("/login/", {"username": hanako.email, "password": PASSWORD})
    [cookie] = [morsel for name, morsel in mine.cookies.items() if name.startswith("browser_")]
    assert (cookie["httponly"], cookie["path"], cookie["samesite"]) == (True, "/login/", "Lax")
    assert hanako.email not in cookie.value
    mine.post("/logout/")
    wrong = {"username": hanako.email, "password": "wrong"}
    assert [mine.post("/login/", wrong).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert page_login(PASSWORD).status_code == 302
    forged = Client(REMOTE_ADDR="203.0.113.7")
    forged.cookies[cookie.key] = "0" * 32
    assert [forged.post("/login/", wrong).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert AccessAttempt.objects.filter(user_agent="").count() == 1, "a forged cookie is none"


def test_a_lock_ends_when_it_said_however_often_one_tries(hanako):
    fail()
    AccessAttempt.objects.update(attempt_time=timezone.now() - lockout.WINDOW + timedelta(seconds=30))
    refused = page_login(PASSWORD)
    assert "Try again in 1 minute;" in refused.content.decode()
    assert int(refused.headers["Retry-After"]) <= 30
    AccessAttempt.objects.update(attempt_time=timezone.now() - lockout.WINDOW)
    assert page_login(PASSWORD).status_code == 302


def test_the_administration_has_the_same_door(client, hanako, kaoru):
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/lms/").headers["Location"] == "/login/?next=/admin/lms/"
    assert client.post("/admin/login/", {"username": kaoru.email, "password": PASSWORD}).status_code == 302
    assert client.get("/admin/").status_code == 302, "a form sent there opens nothing"
    client.force_login(hanako)
    assert client.get("/admin/", follow=True).status_code == 404
    client.force_login(kaoru)
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/logout/").status_code == 302
    assert AuditLog.objects.filter(action="logout", actor_id=kaoru.pk).exists()


def test_an_administrator_lets_somebody_in_and_that_is_recorded(hanako, kaoru, signed_in):
    fail()
    row = AccessAttempt.objects.get()
    admin_client = signed_in(kaoru)
    assert "icon-yes" in admin_client.get("/admin/axes/accessattempt/").content.decode()
    assert admin_client.post(f"/admin/axes/accessattempt/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert page_login(PASSWORD).status_code == 302
    noted = AuditLog.objects.get(action="login_unlock")
    assert (noted.actor_id, noted.target_id, noted.details) == (kaoru.pk, hanako.email, {"address": "203.0.113.7"})


def test_an_operator_does_with_a_command(hanako, capsys):
    fail()
    call_command("axes_reset_username", "hanako@example.com")
    assert page_login(PASSWORD).status_code == 302
    assert AuditLog.objects.get(action="login_unlock").actor_type == "system"


def test_nothing_is_kept_of_what_was_sent_but_the_e_mail(hanako):
    fail(1, path="/login/?next=/secret/")
    row = AccessAttempt.objects.get()
    kept = (row.username, row.ip_address, row.user_agent, row.get_data, row.post_data, row.path_info, row.http_accept)
    assert kept == ("hanako@example.com", "203.0.113.7", "", "", "", "", "")


def test_locks_that_are_over_are_pruned(hanako):
    fail(1)
    list(retention.prune(now=timezone.now(), pause=0))
    assert AccessAttempt.objects.count() == 1
    list(retention.prune(now=timezone.now() + lockout.WINDOW, pause=0))
    assert AccessAttempt.objects.count() == 0


def test_switched_off_with_the_limits(hanako, settings):
    settings.RATE_LIMITS = False
    fail(6)
    assert page_login(PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", "::"),
        ("testserver", "::"),
    ],
)
def test_what_counts_as_one_address(address, counted):
    assert lockout.client_of(RequestFactory(REMOTE_ADDR=address).get("/")) == counted


def test_in_japanese(hanako):
    fail()
    refused = Client(REMOTE_ADDR="203.0.113.7").post(
        "/login/", {"username": hanako.email, "password": PASSWORD}, headers={"accept-language": "ja"}
    )
    with translation.override("ja"):
        assert "5" in refused.content.decode()
    assert '<html lang="ja">' in refused.content.decode()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_no_way_around(settings):
    """Each is let in before any of them has been judged, which is what guessing in parallel hopes for."""
    request = RequestFactory(REMOTE_ADDR="203.0.113.7").post("/login/")
    let_in, barrier = [], threading.Barrier(12)

    def guess():
        barrier.wait()
        try:
            lockout.check(request, email="hanako@example.com", now=timezone.now())
            let_in.append(True)
        except Throttled:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_in) == 3
