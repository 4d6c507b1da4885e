"""The public page about privacy: the operator's own settings, in both languages, without a login."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _locked(settings):
    settings.API_REQUIRE_AUTH = True


def page(language: str = "en") -> str:
    answer = Client().get("/privacy/", headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def test_how_long_is_what_the_operator_has_set(settings):
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "executions": 180, "accesses": 0}
    html = page()
    assert "180 days" in html
    assert "Until your school deletes it" in html


def test_figures_in_influxdb_are_named_where_there_is_one(settings):
    settings.INFLUXDB_URL = ""
    assert "Figures for charts" not in page()
    settings.INFLUXDB_URL, settings.INFLUXDB_RETENTION_DAYS = "http://localhost:1", 77
    assert "77 days" in page()


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("", "ask your teacher."),
        ("privacy@school.example", '<a href="mailto:privacy@school.example">privacy@school.example</a>'),
        ("https://school.example/privacy", '<a href="https://school.example/privacy">'),
        ("Room 12, <b>Mondays</b>", "Room 12, &lt;b&gt;Mondays&lt;/b&gt;"),
        ("javascript:alert(1)", "javascript:alert(1)</p>"),
    ],
)
def test_whom_to_ask(settings, contact, shown):
    settings.PRIVACY_CONTACT = contact
    html = page()
    assert shown in html
    assert 'href="javascript' not in html


def test_the_operators_own_words(settings):
    settings.CONSENT_TEXT = "Article 6 (1) e."
    assert "Article 6 (1) e." in page()


def test_japanese():
    assert '<html lang="ja">' in page("ja")
