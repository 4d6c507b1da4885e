"""Logging in and out of the pages."""

from django.urls import reverse

from instructors.models import AuditLog
from tests.classroom.conftest import PASSWORD


def log_in(client, **fields):
    return client.post("/login/", {"username": "hanako@example.com", "password": PASSWORD, **fields})


def test_an_instructor_logs_in_and_sees_their_classes(client, hanako):
    assert log_in(client).headers["Location"] == "/"
    assert client.get("/").status_code == 200


def test_the_address_is_compared_without_case(client, hanako):
    assert log_in(client, username="Hanako@Example.com").status_code == 302


def test_a_login_returns_to_the_page_that_was_asked_for(client, hanako, python_class):
    wanted = f"/classes/{python_class.pk}/?status=help"
    answer = client.get(wanted)
    assert answer.headers["Location"].startswith("/login/?next=/classes/")
    assert log_in(client, next=wanted).headers["Location"] == wanted


def test_a_login_never_leads_to_another_site(client, hanako):
    assert log_in(client, next="https://evil.example/").headers["Location"] == "/"


def test_a_wrong_password_is_refused_as_an_unknown_address_is(client, hanako):
    wrong = log_in(client, password="wrong")
    unknown = log_in(client, username="nobody@example.com")
    assert "do not match" in wrong.content.decode()
    assert "do not match" in unknown.content.decode()


def test_an_account_that_is_switched_off_cannot_log_in(client, hanako):
    hanako.is_active = False
    hanako.save()
    assert log_in(client).status_code == 200
    assert client.get("/").status_code == 302


def test_logging_out_needs_a_post(client, hanako):
    client.force_login(hanako)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").headers["Location"] == reverse("login")
    assert client.get("/").status_code == 302


def test_a_program_that_asks_for_json_gets_the_welcome(client):
    answer = client.get("/", headers={"accept": "application/json, text/plain;q=0.5"})
    assert answer.json() == {"message": "Welcome to Student Progress Tracker API"}
    assert "Accept" in answer.headers["Vary"]


def test_an_address_without_its_last_slash_leads_to_the_page(client, db):
    assert client.get("/login?next=/everybody/").headers["Location"] == "/login/?next=/everybody/"


def test_an_unknown_page_looks_like_the_rest(client, db):
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


def test_a_login_makes_the_instructor_available_and_a_logout_offline(client, hanako, redis):
    log_in(client)
    hanako.refresh_from_db()
    assert (hanako.status, hanako.last_login is not None) == ("available", True)
    client.post("/logout/")
    hanako.refresh_from_db()
    assert hanako.status == "offline"
    assert [row.action for row in AuditLog.objects.order_by("pk")] == ["login", "logout"]


def test_failed_logins_are_recorded_and_limited_and_the_right_password_is_forgiven(client, hanako, redis, settings):
    settings.LOGIN_FAILURES = 3
    for _ in range(5):
        log_in(client)
        client.post("/logout/")
    for _ in range(3):
        assert log_in(client, password="wrong").status_code == 200
    refused = log_in(client)
    assert refused.status_code == 429
    assert "Try again in 5 minutes" in refused.content.decode()
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    assert AuditLog.objects.filter(action="login_failed").count() == 3
    settings.RATE_LIMITS = False
    assert log_in(client).status_code == 302
