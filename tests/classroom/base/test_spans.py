"""Any span of time: what may be typed, what is said of what is wrong, and the spans that need no typing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from classroom.activity.buckets import edges_of
from classroom.base.classrooms import classroom_of_class
from classroom.base.spans import LONGEST, Span, SpanForm, span_choice, start_of, term_of, week_of

NOW = datetime(2026, 11, 28, 3, 30, tzinfo=UTC)  # Saturday, 12:30 in Tokyo


def typed(since: str = "", until: str = "") -> SpanForm:
    query = QueryDict(mutable=True)
    query.update({"from": since, "to": until})
    return SpanForm(query, now=NOW)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.fixture
def berlin(settings):
    settings.TIME_ZONE = "Europe/Berlin"


@pytest.mark.parametrize(
    ("since", "until", "span"),
    [
        ("2026-11-26", "2026-11-27", (at(2026, 11, 25, 15), at(2026, 11, 27, 15))),
        ("2026-11-26 10:00", "2026-11-26 11:30", (at(2026, 11, 26, 1), at(2026, 11, 26, 2, 30))),
        ("2026-11-26T10:00", "2026/11/26", (at(2026, 11, 26, 1), at(2026, 11, 26, 15))),
        ("２０２６-11-26", "", (at(2026, 11, 25, 15), NOW)),
        ("2026-11-26T10:00Z", "2026-11-26T10:00-01:00", (at(2026, 11, 26, 10), at(2026, 11, 26, 11))),
    ],
)
def test_what_may_be_typed(since, until, span):
    assert typed(since, until).span == Span(*span)


@pytest.mark.parametrize(
    ("since", "until", "field", "words"),
    [
        ("tomorrow", "", "from", "neither a day nor a time"),
        ("2026-11-26", "2026-02-30", "to", "neither a day nor a time"),
        ("2026-11-26", "later \0", "to", ""),
        ("", "2026-11-26", "from", "from when"),
        ("2026-11-27", "2026-11-26", "to", "after the beginning"),
        ("2026-11-26 10:00", "2026-11-26 10:00", "to", "after the beginning"),
        ("2026-12-24", "", "from", "after the beginning"),
        ("2025-01-01", "2026-11-26", "to", "At most 366 days"),
        ("26-11-26", "", "from", "neither a day nor a time"),
        ("1026-11-26", "2026-11-27", "from", "right year"),
        ("9999-12-31", "9999-12-31", "to", "right year"),
        ("x" * 200, "", "from", ""),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(since, until, field, words):
    form = typed(since, until)
    assert form.span is None
    assert field in form.errors
    assert words in str(form.errors[field])
    assert form[field].value() == (since if field == "from" else until), "nothing that was typed is lost"


def test_a_day_is_whole_also_where_clocks_change(berlin):
    assert typed("2026-03-29", "2026-03-29").span.length == timedelta(hours=23)
    assert typed("2026-10-25", "2026-10-25").span.length == timedelta(hours=25)


def test_a_time_that_comes_twice_means_the_longer_span(berlin):
    assert typed("2026-10-25 02:30", "2026-10-25 02:30").span.length == timedelta(hours=1)
    assert typed("2026-10-25 02:30+01:00", "2026-10-25 03:00").span.length == timedelta(minutes=30)


def test_a_time_that_does_not_exist_is_asked_for_again(berlin):
    form = typed("2026-03-29 02:30", "2026-03-30")
    assert "does not exist" in str(form.errors["from"])


@pytest.mark.parametrize(
    "span",
    [
        Span(at(2026, 11, 25, 15), at(2026, 11, 27, 15)),
        Span(at(2026, 11, 26, 1), at(2026, 11, 26, 2, 30)),
        Span(at(2026, 10, 25, 0, 30), at(2026, 10, 25, 1, 30)),
    ],
)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Berlin"])
def test_its_address_names_it(span, zone, settings):
    settings.TIME_ZONE = zone
    assert SpanForm(QueryDict(span.query), now=NOW).span == span


def test_this_week_is_from_monday_to_sunday():
    assert week_of(NOW) == Span(at(2026, 11, 22, 15), at(2026, 11, 29, 15))


@pytest.fixture
def term(hanako, python_class):
    def of(**fields) -> Span:
        type(python_class).objects.filter(pk=python_class.pk).update(**fields)
        return term_of(classroom_of_class(user=hanako, class_id=python_class.pk), now=NOW)

    return of


def test_the_term_is_that_of_the_class(term):
    until = at(2026, 11, 28, 15)
    assert term(created_at=at(2026, 9, 1)) == Span(at(2026, 8, 31, 15), until), "since the class was made"
    assert term(start_date=at(2026, 9, 30, 15), end_date=at(2027, 1, 31)) == Span(at(2026, 9, 30, 15), until)
    assert term(end_date=at(2026, 10, 31, 14, 59)).until == at(2026, 10, 31, 15)
    assert term(start_date=at(2020, 4, 1), end_date=None).length == LONGEST
    assert term(start_date=at(2026, 12, 24), created_at=at(2026, 11, 20)).since == at(2026, 11, 19, 15)


def test_a_span_that_is_shown_stands_in_the_fields(hanako, python_class):
    classroom = classroom_of_class(user=hanako, class_id=python_class.pk)
    shown = Span(at(2026, 11, 26, 1), at(2026, 11, 26, 2, 30))
    form = span_choice(QueryDict(), classroom, now=NOW, shown=shown).form
    assert [form[name].value() for name in ("from", "to")] == ["2026-11-26 10:00", "2026-11-26 11:30"]
    assert not form.errors


# --- The buckets of a chart over it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [timedelta(minutes=1), timedelta(hours=3), timedelta(days=2), timedelta(days=5),
                                    timedelta(days=119), timedelta(days=366)])  # fmt: skip
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_buckets_cover_the_span_without_holes(length, zone, settings):
    since = at(2026, 3, 27, 9, 7)
    edges = edges_of(Span(since, since + length), zone=ZoneInfo(zone))
    assert (edges[0], edges[-1]) == (since, since + length)
    assert edges == sorted(set(edges))
    assert 1 <= len(edges) - 1 <= 122


def test_days_begin_at_midnight_and_have_their_own_length(berlin):
    span = typed("2026-10-20", "2026-10-31").span
    edges = edges_of(span, zone=ZoneInfo("Europe/Berlin"))
    assert len(edges) == 13
    assert [after - before for before, after in pairwise(edges)][5] == timedelta(hours=25)
    assert edges[6] == start_of(datetime(2026, 10, 26).date())
