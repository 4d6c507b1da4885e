"""Which lessons there were: where one ends, what is none, and which is opened first."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from classroom.lesson_report.lessons import Lesson, chosen_lesson, lessons_of
from events.models import CellExecution
from tests.classroom.lesson_report.conftest import MINUTE, START


def test_a_pause_of_45_minutes_ends_a_lesson(classroom, at, aoi, ren):
    for minute in (0, 40, 85, 131):
        at(aoi, minute)
        at(ren, minute + 0.5)
    later, first = lessons_of(classroom, now=datetime.now(UTC))
    assert (first.since, first.until) == (START, START + 86 * MINUTE), "whole minutes, the last one in it"
    assert (first.students, first.runs) == (2, 6)
    assert later.since == START + 131 * MINUTE


def test_one_student_alone_is_no_lesson(classroom, at, aoi, ren):
    at(aoi, 0)
    at(aoi, 20)
    assert lessons_of(classroom, now=datetime.now(UTC)) == []


def test_runs_of_others_make_no_lesson(classroom, at, stranger, aoi):
    at(stranger, 0)
    at(aoi, 0)
    assert lessons_of(classroom, now=datetime.now(UTC)) == []


def test_aborted_runs_make_no_lesson(classroom, at, aoi, ren):
    at(aoi, 0, status="aborted")
    at(ren, 0)
    assert lessons_of(classroom, now=datetime.now(UTC)) == []


def test_a_trickle_of_homework_is_a_pause_in_a_large_class(classroom, at, enrol, aoi, ren):
    """A hundred students; for hours before and after the lesson one of them or another runs something."""
    others = [enrol(f"s{number}@example.com") for number in range(98)]
    for place, student in enumerate(others):
        at(student, 10 * place - 300)
        at(student, 150 + place / 2)
    at(aoi, 151, status="error")
    (found,) = lessons_of(classroom, now=datetime.now(UTC))
    assert found.since == START + 150 * MINUTE
    inside = CellExecution.objects.filter(executed_at__gte=found.since, executed_at__lt=found.until)
    assert (found.runs, found.errors, found.students) == (inside.count(), 1, 99)
    assert found.peak > 9


def lesson(hours: int, students: int = 10, peak: int | None = None) -> Lesson:
    since = START + timedelta(hours=hours)
    return Lesson(since=since, until=since + timedelta(hours=1), students=students, peak=peak or students)


LESSONS = [lesson(5, 2), lesson(3, 20), lesson(0, 30)]


def test_the_newest_with_a_fifth_of_the_class_comes_first():
    assert chosen_lesson("", LESSONS, enrolled=40) is LESSONS[1]
    assert chosen_lesson("", LESSONS[:1], enrolled=40) is LESSONS[0], "where no other is known"
    assert chosen_lesson("", [], enrolled=40) is None
    assert chosen_lesson("", [lesson(8, 20, peak=3), *LESSONS], enrolled=40) is LESSONS[1], (
        "they were not there at once"
    )


def test_a_day_names_its_fullest_lesson():
    assert chosen_lesson(f"{START:%Y-%m-%d}", LESSONS, enrolled=40) is LESSONS[2]
    empty = chosen_lesson("2020-02-29", LESSONS, enrolled=40)
    assert empty is not None
    assert (empty.length, empty.students) == (timedelta(days=1), 0)


@pytest.mark.parametrize("mark", ["/", "–", "--", " – "])
def test_from_and_to(mark):
    named = chosen_lesson(f"2026-11-20T10:00{mark}2026-11-20T11:30", [], enrolled=1)
    assert named is not None
    assert (timezone.localtime(named.since).hour, named.length) == (10, 90 * MINUTE)
    text = f"{LESSONS[0].since.isoformat()}/{LESSONS[0].until.isoformat()}"
    assert chosen_lesson(text, LESSONS, enrolled=1) is LESSONS[0]


@pytest.mark.parametrize(
    "text",
    ["x", "2026-13-01", "2026-11-20T11:00/2026-11-20T10:00", "2025-11-20/2026-11-22", "a/b/c", "0001-01-01/0001-01-02",
     "9999-12-31T00:00/9999-12-31T23:00", "\0", "/" * 200],
)  # fmt: skip
def test_what_names_no_lesson(text):
    assert chosen_lesson(text, LESSONS, enrolled=1) is None
