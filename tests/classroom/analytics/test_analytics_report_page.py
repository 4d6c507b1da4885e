"""A report that was ordered over the API, as a page."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings

from classroom.analytics.models import AnalyticsReport
from classroom.analytics.services import build_report


@pytest.fixture
def ordered(hanako, python_class, aoi, ren, run):
    run(aoi, executed_at=datetime.now(UTC) - timedelta(minutes=9), status="error")
    return AnalyticsReport.objects.create(
        report_type="class",
        requested_by=hanako,
        parameters={"class_id": python_class.pk, "title": python_class.name, "time_range": "24h", "format": "json"},
    )


@pytest.fixture
def page(signed_in, hanako, ordered):
    client = signed_in(hanako)

    def fetch(**cookies: str) -> str:
        for name, value in cookies.items():
            client.cookies[name] = value
        answer = client.get(f"/reports/{ordered.report_id}/")
        assert answer.status_code == 200
        return answer.content.decode()

    return fetch


def test_it_waits_and_then_shows(page, ordered):
    assert "is being made" in page()
    build_report(str(ordered.report_id))
    html = page()
    assert "Python 入門" in html
    assert 'class="bar-ground"' in html
    assert "100 %" in html
    assert "Ren" in html
    assert " style=" not in html


def test_one_that_failed_says_what_to_do(page, ordered):
    AnalyticsReport.objects.update(status="failed", content={"error": "x"})
    assert "Order it again" in page()


def test_a_projector_shows_no_names(page, ordered):
    build_report(str(ordered.report_id))
    html = page(**{django_settings.DISPLAY_COOKIE_NAME: "projector"})
    assert "Aoi" not in html
    assert "aoi@" not in html
    assert "Student 1" in html


def test_lengths_are_numbers_in_every_language(page, ordered):
    build_report(str(ordered.report_id))
    assert "," not in page(**{django_settings.LANGUAGE_COOKIE_NAME: "ja"}).partition("<svg")[2].partition("</svg>")[0]


def test_it_is_of_whoever_ordered_it(signed_in, taro, kaoru, ordered):
    address = f"/reports/{ordered.report_id}/"
    assert signed_in(taro).get(address).status_code == 404
    assert signed_in(kaoru).get(address).status_code == 200
    assert signed_in(taro).get(f"/reports/{uuid.uuid4()}/").status_code == 404
    assert signed_in(taro).get("/reports/nothing/").status_code == 404
