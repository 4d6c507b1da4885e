"""People of one name are told apart, on every page that shows them side by side."""

from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings

from classroom.base.namesakes import NamedStudent, distinguished
from events.models import HelpRequest
from lms.models import AssignmentSubmission, ClassAssignment, Student, StudentClass
from tests.classroom.cells.cells import cells_of, progress


def apart(*people):
    return distinguished(NamedStudent(number, *values) for number, values in enumerate(people))


def test_who_has_a_name_alone_needs_nothing():
    assert apart(("Aoi", "a@example.com", "1"), ("Ren", "r@example.com", "2")) == {}


@pytest.mark.parametrize(
    ("first", "second"), [("佐藤 花", "佐藤　花"), ("佐藤花", "佐藤 花"), ("Hana Sato", "hana  SATO"), (None, "hana")]
)
def test_a_name_is_the_same_however_it_is_typed(first, second):
    assert apart((first, "hana@a.example", "1"), (second, "hana@b.example", "2")) == {0: "1", 1: "2"}


@pytest.mark.parametrize(
    ("people", "shown"),
    [
        ([("1", "さとう はな"), ("2", "さとう かな")], ["1", "2"]),
        ([("1", None), (None, None)], ["1", "b@example.com"]),
        ([(None, "さとう はな"), (None, "さとう かな")], ["さとう はな", "さとう かな"]),
        ([("1", "さとう はな"), ("1", "さとう かな")], ["さとう はな", "さとう かな"]),
        ([(None, "さとう はな"), (None, "さとう はな")], ["a@example.com", "b@example.com"]),
    ],
)
def test_by_number_else_by_reading_else_by_address(people, shown):
    found = [("佐藤花", f"{letter}@example.com", *each) for letter, each in zip("ab", people, strict=True)]
    assert list(apart(*found).values()) == shown


@pytest.fixture
def twins(enrol, python_class):
    """Two of one name and a third."""
    for number, email in (("B-2", "hana@a.example"), ("B-1", "hana@b.example"), ("B-3", "ken@example.com")):
        student = enrol(email, name="伊藤 健" if number == "B-3" else "佐藤 花")
        StudentClass.objects.filter(student=student).update(student_number=number)
    return list(Student.objects.order_by("pk"))


def test_the_pages_of_a_class_show_it(signed_in, hanako, python_class, twins, notebook):
    at_now = datetime.now(UTC)
    [cell] = cells_of(notebook, 1)
    HelpRequest.objects.create(student=twins[0], asked_at=at_now, last_asked_at=at_now, last_heard_at=at_now)
    loops = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops")
    work = AssignmentSubmission.objects.create(assignment=loops, student=twins[1])
    for each in twins:
        progress(each, cell, "1")
    client = signed_in(hanako)
    start = f"/classes/{python_class.pk}/"
    mark = '<span class="apart">{}</span>'
    live = client.get(start).content.decode()
    assert live.count(mark.format("B-2")) >= 2  # the card, and the queue
    for path in ("cells/", "room/", f"assignments/{loops.pk}/"):
        page = client.get(start + path).content.decode()
        assert mark.format("B-2") in page, path
        assert mark.format("B-1") in page, path
        assert "B-3" not in page, path
    assert mark.format("B-1") in client.get(f"{start}submissions/{work.pk}/").content.decode()
    assert "B-3" in client.get(f"{start}students/{twins[2].pk}/").content.decode()  # their own page says it always
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    for path in ("", "cells/", "room/", f"assignments/{loops.pk}/", f"students/{twins[2].pk}/", "setup/students/"):
        assert "B-" not in client.get(start + path).content.decode(), path


def test_everybody_is_told_apart_by_address(signed_in, kaoru, twins):
    page = signed_in(kaoru).get("/everybody/").content.decode()
    assert '<span class="apart">hana@a.example</span>' in page
    assert '<span class="apart">ken@' not in page


def test_cards_are_sorted_by_reading_then_by_name(signed_in, hanako, enrol, python_class):
    for name, reading in (("山田", "やまだ"), ("Bo", ""), ("会田", "アイダ"), ("安", "")):
        student = enrol(f"{name}@example.com", name=name)
        row = StudentClass.objects.get(student=student)
        row.reading = reading or None
        row.save()
    page = signed_in(hanako).get(f"/classes/{python_class.pk}/").content.decode()
    places = [page.index(f'title="{name}@example.com"') for name in ("会田", "山田", "Bo", "安")]
    assert places == sorted(places)
