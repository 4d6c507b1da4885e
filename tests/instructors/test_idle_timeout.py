"""How long a login at the pages lasts, what renews it, and what ends it."""

import time

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client

from instructors.models import Instructor
from instructors.sessions import SEEN, SINCE
from tests.classroom.conftest import PASSWORD

NAVIGATION = {"accept": "text/html,application/xhtml+xml"}
FRAGMENT = {"accept": "text/html", "x-requested-with": "fragment"}


@pytest.fixture(autouse=True)
def _minutes(settings):
    settings.SESSION_IDLE_MINUTES = 30


@pytest.fixture
def browser(hanako) -> Client:
    made = Client()
    assert made.post("/login/", {"username": hanako.email, "password": PASSWORD}).status_code == 302
    return made


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/", headers=headers or NAVIGATION).status_code == 200


def pass_minutes(client: Client, minutes: float, *, both: bool = True) -> None:
    """As if the last sign of the person, and the login, were longer ago."""
    session = client.session
    session[SEEN] -= int(minutes * 60)
    if both:
        session[SINCE] -= int(minutes * 60)
    session.save()


def test_a_login_makes_another_session(client, hanako):
    client.get("/login/")
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    client.cookies[django_settings.SESSION_COOKIE_NAME] = before
    client.post("/login/", {"username": hanako.email, "password": PASSWORD})
    assert client.cookies[django_settings.SESSION_COOKIE_NAME].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_idle_too_long_is_logged_out_and_its_row_is_gone(browser):
    pass_minutes(browser, 29)
    assert is_in(browser)
    pass_minutes(browser, 31)
    assert not is_in(browser)
    assert not Session.objects.filter(session_key=browser.cookies[django_settings.SESSION_COOKIE_NAME].value).exists()


def test_a_click_renews_it(browser):
    for _ in range(3):
        pass_minutes(browser, 20)
        assert is_in(browser)


def test_a_form_renews_it(browser):
    pass_minutes(browser, 20)
    browser.post("/display/", {"mode": "walking", "next": "/"})
    pass_minutes(browser, 20)
    assert is_in(browser)


def test_a_page_that_draws_itself_again_does_not(browser):
    pass_minutes(browser, 20)
    assert is_in(browser, **FRAGMENT)
    pass_minutes(browser, 11)
    assert not is_in(browser, **FRAGMENT)


def test_unless_somebody_touched_it_meanwhile(browser):
    pass_minutes(browser, 20)
    assert is_in(browser, **FRAGMENT, **{"x-activity": "person"})
    pass_minutes(browser, 20)
    assert is_in(browser)


def test_after_twelve_hours_it_ends_however_busy(browser, settings):
    session = browser.session
    session[SINCE] = int(time.time()) - settings.SESSION_COOKIE_AGE + 60
    session.save()
    assert is_in(browser)
    pass_minutes(browser, 2)
    assert not is_in(browser)


def test_a_note_is_written_once_a_minute_at_most(browser, django_assert_num_queries):
    pass_minutes(browser, 2)
    assert is_in(browser)
    before = browser.session[SEEN]
    assert is_in(browser)
    assert browser.session[SEEN] == before


def test_another_password_ends_the_other_logins(browser, hanako, kaoru, signed_in):
    other = Client()
    other.post("/login/", {"username": hanako.email, "password": PASSWORD})
    fields = {"password1": "violet tram 40 bees", "password2": "violet tram 40 bees"}
    answer = signed_in(kaoru).post(f"/admin/instructors/instructor/{hanako.pk}/password/", fields)
    assert answer.status_code == 302
    assert not is_in(browser)
    assert not is_in(other)


def test_ones_own_goes_on_under_another_key(kaoru):
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        client.post("/login/", {"username": kaoru.email, "password": PASSWORD})
    before = here.cookies[django_settings.SESSION_COOKIE_NAME].value
    fields = {"password1": "violet tram 40 bees", "password2": "violet tram 40 bees"}
    assert here.post(f"/admin/instructors/instructor/{kaoru.pk}/password/", fields).status_code == 302
    assert is_in(here)
    assert here.cookies[django_settings.SESSION_COOKIE_NAME].value != before
    assert not is_in(elsewhere)


def test_who_is_switched_off_is_out_everywhere(browser, hanako):
    Instructor.objects.filter(pk=hanako.pk).update(is_active=False)
    assert not is_in(browser)
