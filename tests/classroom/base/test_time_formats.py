"""Times for people: one form, in one zone that is named; also where clocks are put forward or back."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import formats, translation

from core.time_formats import clock_text, day_text, moment_cell, moment_text, span_text

NOON = datetime(2026, 11, 28, 3, 31, 42, tzinfo=UTC)


@pytest.fixture
def berlin(settings):
    settings.TIME_ZONE = "Europe/Berlin"


def test_the_form():
    assert moment_text(NOON) == "2026-11-28 12:31"
    assert moment_text(NOON, seconds=True) == "2026-11-28 12:31:42"
    assert (day_text(NOON), clock_text(NOON)) == ("2026-11-28", "12:31")
    assert moment_cell(NOON) == "2026-11-28 12:31:42+09:00"
    assert [show(None) for show in (moment_text, day_text, clock_text, moment_cell)] == [""] * 4


def test_the_day_is_that_of_the_zone():
    assert moment_text(datetime(2026, 11, 27, 16, tzinfo=UTC)) == "2026-11-28 01:00"


@pytest.mark.parametrize(
    ("hours", "text"),
    [(1.5, "2026-11-28 12:31–14:01"), (12, "2026-11-28 12:31 – 2026-11-29 00:31")],
)
def test_spans(hours, text):
    assert span_text(NOON, NOON + timedelta(hours=hours)) == text


def test_a_span_of_whole_days_ends_on_its_last():
    midnight = datetime(2026, 11, 27, 15, tzinfo=UTC)
    assert span_text(midnight, midnight + timedelta(days=1)) == "2026-11-28 00:00–24:00"
    assert span_text(midnight, midnight + timedelta(days=3)) == "2026-11-28 00:00 – 2026-11-30 24:00"


def test_clocks_are_put_back(berlin):
    """02:30 comes twice, and each says which it is; an hour earlier and later there is no doubt."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    shown = [moment_text(first + timedelta(hours=hour)) for hour in (-1, 0, 1, 2)]
    assert shown == ["2026-10-25 01:30", "2026-10-25 02:30+02:00", "2026-10-25 02:30+01:00", "2026-10-25 03:30"]
    assert span_text(first, first + timedelta(hours=1)) == "2026-10-25 02:30+02:00–02:30+01:00"


def test_clocks_are_put_forward(berlin):
    before = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    assert span_text(before, before + timedelta(minutes=1)) == "2026-03-29 01:59–03:00"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_django_writes_has_that_form(language):
    with translation.override(language):
        for name in ("DATETIME_FORMAT", "SHORT_DATETIME_FORMAT"):
            assert formats.date_format(datetime(2026, 11, 8, 9, 5), name) == "2026-11-08 09:05"
        assert formats.date_format(datetime(2026, 11, 8), "DATE_FORMAT") == "2026-11-08"


def test_no_page_writes_a_time_in_another_form():
    """Templates write times with `moment`, `day`, `clock` and `span`; scripts in the zone that the page names."""
    root = Path(settings.BASE_DIR)
    for template in root.glob("templates/**/*.html"):
        found = re.findall(r"\|(?:date|time)\b(?!:'U')[^ }|]*", template.read_text())
        assert found == [], template
    for script in root.glob("static/js/**/*.js"):
        text = script.read_text()
        assert not re.search(r"toLocale(?:Date|Time)?String\(|\.get(?:Hours|Date|Month)\(", text), script
        assert text.count("Intl.DateTimeFormat") == text.count("timeZone }"), script


@pytest.mark.parametrize("path", ["/", "classes/{}/", "classes/{}/report/", "classes/{}/activity/", "admin/"])
def test_the_zone_is_named_once(signed_in, kaoru, python_class, path, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    html = signed_in(kaoru).get("/" + path.lstrip("/").format(python_class.pk)).content.decode()
    assert html.count("Times are in the zone Europe/Berlin.") == 1
