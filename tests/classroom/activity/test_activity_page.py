"""The activity chart: buckets without holes, figures of the span, the same numbers as a table."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from classroom.activity.selectors import activity_of
from classroom.base.classrooms import classroom_of_class
from classroom.base.plots import scale
from classroom.base.recent_ranges import RANGES
from events.models import HelpRequest
from lms.models import Student

MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 20, 10, 2, tzinfo=UTC)


@pytest.fixture
def asks(now):
    def ask(student: Student, at: datetime, **fields) -> HelpRequest:
        return HelpRequest.objects.create(student=student, asked_at=at, last_asked_at=at, last_heard_at=at, **fields)

    return ask


@pytest.fixture
def found(hanako, python_class, now):
    def look(name: str = "1h"):
        classroom = classroom_of_class(user=hanako, class_id=python_class.pk)
        return activity_of(classroom, span=RANGES[name], now=now)

    return look


@pytest.mark.parametrize(("name", "number", "length"), [("1h", 12, 5), ("24h", 24, 60), ("7d", 42, 240)])
def test_the_buckets_have_no_holes(found, python_class, now, name, number, length):
    buckets = found(name).buckets
    assert len(buckets) == number
    assert all(bucket.end - bucket.start == length * MINUTE for bucket in buckets)
    assert all(a.end == b.start for a, b in pairwise(buckets))
    assert buckets[-1].start <= now < buckets[-1].end


def test_the_figures_are_those_of_the_class(found, run, asks, ren, aoi, stranger, now, hanako):
    run(ren, executed_at=now - MINUTE)
    run(ren, executed_at=now - 10 * MINUTE, status="error")
    run(aoi, executed_at=now - 10 * MINUTE, status="error")
    run(aoi, executed_at=now - 10 * MINUTE, status="aborted")
    run(aoi, executed_at=now - 90 * MINUTE)
    run(stranger, executed_at=now - MINUTE)
    asks(stranger, now - MINUTE)
    asks(ren, now - 20 * MINUTE, claimed_by=hanako, claimed_at=now - 18 * MINUTE, ended_at=now - MINUTE)
    asks(ren, now - 19 * MINUTE, ended_at=now - 15 * MINUTE)
    asks(aoi, now - 9 * MINUTE)
    hour = found()
    assert (hour.runs, hour.errors, hour.asked, hour.active, hour.error_percent) == (3, 2, 3, 2, 67)
    assert hour.wait == 4 * MINUTE, "of 2, 4 and 9 minutes"
    assert [b.runs for b in hour.buckets][-3:] == [2, 0, 1]
    assert found("24h").runs == 4


def test_a_clock_that_is_ahead_makes_no_wait_shorter_than_nothing(found, asks, ren, now):
    asks(ren, now + 30 * MINUTE / 60, claimed_at=now - MINUTE)
    assert found().wait == timedelta(0)


def test_nothing_at_all(found, python_class):
    hour = found()
    assert (hour.runs, hour.error_percent, hour.wait, hour.is_empty) == (0, None, None, True)


@pytest.fixture
def page(signed_in, hanako, python_class):
    client = signed_in(hanako)

    def fetch(rest: str = "", **options) -> str:
        return client.get(f"/classes/{python_class.pk}/activity/{rest}", **options).content.decode()

    return fetch


def test_the_page(page, run, ren):
    run(ren, executed_at=datetime.now(UTC), status="error")
    html = page("?range=24h")
    assert len(re.findall(r'class="column"', html)) == 24
    assert "Runs 1, errors 1, requests for help 0" in html
    assert 'href="?range=24h" aria-current="true"' in html
    assert html.count('<tr><th scope="row"><time') == 24
    assert "100 %" in html
    assert "Nothing has run" not in html
    assert "style=" not in html


def test_an_empty_page_says_so(page):
    assert "Nothing has run and nobody has asked for help" in page()


@pytest.mark.parametrize("name", ["", "?range=", "?range=1y", "?range=%00"])
def test_an_unknown_span_is_an_hour(page, name):
    assert 'href="?range=1h" aria-current="true"' in page(name)


def test_any_span(page, run, ren):
    run(ren, executed_at=datetime(2026, 3, 4, 1, 30, tzinfo=UTC))
    html = page("?from=2026-03-01&to=2026-03-31")
    assert len(re.findall(r'class="column"', html)) == 31
    assert "2026-03-04 00:00–24:00: Runs 1, errors 0, requests for help 0" in html
    assert "2026-03-01 00:00 – 2026-03-31 24:00" in html
    assert 'data-query="from=2026-03-01&amp;to=2026-03-31"' in html
    assert 'value="2026-03-31"' in html


def test_a_wrong_span_is_said_and_the_page_still_works(page, run, ren):
    run(ren, executed_at=datetime.now(UTC))
    html = page("?from=yesterday&to=2026-03-31")
    assert 'value="yesterday"' in html
    assert "This is neither a day nor a time." in html
    assert 'aria-invalid="true"' in html
    assert 'href="?range=1h" aria-current="true"' in html
    assert "Runs 1, errors 0" in html


def test_spans_to_choose(page, run, ren, aoi):
    for student in (ren, aoi):
        run(student, executed_at=datetime.now(UTC) - timedelta(days=2))
    html = page()
    assert all(word in html for word in ("This week", "The whole term", "Choose a lesson", "2 students"))
    for address in re.findall(r'href="(\?from=[^"]+)"', html):
        shown = page(address.replace("&amp;", "&"))
        assert f'href="{address}" aria-current="true"' in shown, address


def test_the_fragment_has_no_frame(page):
    html = page(headers={"x-requested-with": "fragment"})
    assert "<html" not in html
    assert 'id="plot"' in html


def test_lengths_are_numbers_in_every_language(page, run, ren):
    run(ren, executed_at=datetime.now(UTC))
    html = page(headers={"accept-language": "ja"})
    assert not re.search(r'(?:x|y|width|height)="[\d.]*,', html)


def test_twenty_students_cost_no_more_queries(page, enrol, run, django_assert_num_queries):
    for number in range(20):
        student = enrol(f"{number}@example.com")
        if number % 2 == 0:
            run(student, executed_at=datetime.now(UTC))
    with django_assert_num_queries(9):  # session, account, class, three of the chart, three of the lessons
        page()


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [(0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (4, [0, 1, 2, 3, 4]), (5, [0, 2, 4, 6]), (9, [0, 5, 10]),
     (41, [0, 20, 40, 60]), (1000, [0, 500, 1000]), (1001, [0, 500, 1000, 1500])],
)  # fmt: skip
def test_the_scale_has_round_numbers(largest, ticks):
    assert scale(largest) == ticks
