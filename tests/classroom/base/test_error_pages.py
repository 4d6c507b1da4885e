"""What people see when something is wrong: what happened, what to do next, and the way on. In both languages."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages import get_messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from classroom.base.decorators import class_action
from classroom.base.return_to import page_before
from config.errors import api_exception
from config.middleware import BadInputMiddleware


def test_the_unknown_page_offers_the_login_and_comes_back(client, db):
    answer = client.get("/nowhere/?x=1")
    assert answer.status_code == 404
    html = answer.content.decode()
    assert 'href="/login/?next=/nowhere/%3Fx%3D1"' in html
    assert "You are not logged in" in html


def test_the_unknown_page_says_who_is_logged_in(signed_in, hanako):
    html = signed_in(hanako).get("/nowhere/").content.decode()
    assert "You are logged in as hanako@example.com" in html
    assert "To my classes" in html


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "405", "409", "429", "500"])
def test_every_error_page_can_be_drawn_without_a_request(name):
    html = render_to_string(f"{name}.html")
    assert html.count("<h1>") == 1
    assert 'href="/"' in html


def test_a_form_of_another_login_is_refused_with_the_way_back(hanako):
    client = Client(enforce_csrf_checks=True)
    client.force_login(hanako)
    answer = client.post("/display/", {"mode": "walking"}, headers={"referer": "http://testserver/classes/3/?q=a"})
    assert answer.status_code == 403
    html = answer.content.decode()
    assert "This form is too old" in html
    assert 'href="/classes/3/?q=a"' in html
    assert "To my classes" in html


def test_below_api_refusals_stay_json(client, db):
    assert client.post("/api/v1/students").json()["detail"]
    assert client.get("/api/v1/nowhere").json() == {"detail": "Not Found"}


def test_an_address_that_only_takes_forms_is_a_page_and_keeps_its_allow(signed_in, hanako):
    answer = signed_in(hanako).get("/display/")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "This address only accepts forms" in answer.content.decode()


def test_a_form_that_makes_no_sense_is_a_page(signed_in, hanako):
    answer = signed_in(hanako).post("/display/", {"mode": "x"})
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.content.decode()


@pytest.mark.parametrize(
    ("referer", "path"),
    [
        ("http://testserver/classes/1/?q=a", "/classes/1/?q=a"),
        ("http://testserver//evil.example/", "/evil.example/"),
        ("https://evil.example/", ""),
        ("http://[", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_the_page_before_is_one_of_ours_or_none(referer, path):
    assert page_before(RequestFactory().post("/display/", headers={"referer": referer})) == path


def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(rf, db):
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.messages.storage.cookie import CookieStorage

    request = rf.post("/classes/1/claim/", headers={"referer": "http://testserver/classes/1/"})
    request.user, request._messages = AnonymousUser(), CookieStorage(request)
    acted = []
    answer = class_action(lambda request: acted.append(1) or HttpResponse())(request)
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/classes/1/")
    assert not acted
    assert [str(message) for message in get_messages(request)] == [
        "You were logged out, so that was not done. Log in, then do it again."
    ]


def test_a_reload_after_the_session_ended_leads_back_to_the_page(client, hanako):
    client.force_login(hanako)
    client.logout()
    answer = client.get("/classes/1/?status=help")
    assert answer["Location"] == "/login/?next=/classes/1/%3Fstatus%3Dhelp"


def test_in_development_too_a_page_that_is_not_there_is_ours(client, db, settings):
    settings.DEBUG = True
    for path in ("/nowhere/", "/classes/1/nothing", "/admin/nothing/"):
        answer = client.get(path, follow=True)
        assert "Using the URLconf" not in answer.content.decode()
    answer = client.get("/nowhere/")
    assert (answer.status_code, "There is no such page" in answer.content.decode()) == (404, True)
    assert client.get("/api/v1/nowhere").json() == {"detail": "Not Found"}


def test_a_broken_constraint_is_said_without_its_name(rf, caplog):
    request, error = rf.post("/classes/1/"), IntegrityError('violates unique constraint "teams_once" (Aoi)')
    request.user = AnonymousUser()
    answer = BadInputMiddleware(lambda _: HttpResponse()).process_exception(request, error)
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "Nothing was changed" in html
    assert "teams_once" not in html
    assert "teams_once" in caplog.text
    answer = api_exception(error, {})
    assert answer.status_code == 409
    assert "teams_once" not in str(answer.data)
