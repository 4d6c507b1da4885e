"""Name, reading, number and team of students edited in one form."""

import re

import pytest
from django.conf import settings as django_settings

from instructors.models import AuditLog
from lms.models import ClassStaff, Student, StudentClass

SEEN = re.compile(r'name="seen-(\d+)" value="(\w+)"')


@pytest.fixture
def at(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/students/edit/"


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


def form_of(client, at):
    """The fields of the form as the browser would send them."""
    page = client.get(at).content.decode()
    fields = dict(re.findall(r'<input name="([\w-]+)" value="([^"]*)"', page))
    return fields | {f"seen-{pk}": seen for pk, seen in SEEN.findall(page)}


def stored(student):
    row = StudentClass.objects.get(student=student)
    return row.name, row.reading, row.student_number, row.team and row.team.team_name


def test_what_is_typed_is_stored(client, at, aoi, ren):
    fields = form_of(client, at)
    new = {"name": "青木 葵", "reading": "あおき あおい", "student_number": "００１２", "team": "チームA"}
    fields |= {f"{name}-{aoi.pk}": text for name, text in new.items()}
    answer = client.post(at, fields, follow=True)
    assert "Students changed: 1" in answer.content.decode()
    assert stored(aoi) == ("青木 葵", "あおき あおい", "0012", "チームA")
    assert StudentClass.objects.get(student=aoi).reading_key
    assert stored(ren) == ("Ren", None, None, None)
    entry = AuditLog.objects.get()
    assert (entry.action, entry.details["students"]) == ("students_update", [aoi.pk])


def test_what_is_emptied_is_gone(client, at, aoi):
    fields = form_of(client, at)
    client.post(at, fields | {f"team-{aoi.pk}": "A", f"reading-{aoi.pk}": "あおい"})
    fields = form_of(client, at)
    client.post(at, fields | {f"team-{aoi.pk}": "", f"reading-{aoi.pk}": "  ", f"name-{aoi.pk}": "\u3164"})
    assert stored(aoi) == (None, None, None, None)


def test_nothing_typed_changes_nothing(client, at, aoi):
    assert "Nothing was changed." in client.post(at, form_of(client, at), follow=True).content.decode()
    assert not AuditLog.objects.exists()


def test_what_somebody_else_changed_meanwhile_is_shown_and_not_lost(client, at, aoi, ren):
    fields = form_of(client, at)
    StudentClass.objects.filter(student=aoi).update(name="Their Aoi")
    StudentClass.objects.filter(student=ren).update(name="Their Ren")  # whom this form leaves as it was
    fields |= {f"name-{aoi.pk}": "My Aoi"}
    page = client.post(at, fields).content.decode()
    assert "changed by somebody else in the meantime" in page
    assert "Their Aoi" in page
    assert 'value="My Aoi"' in page
    assert stored(aoi)[0] == "Their Aoi"
    again = fields | {f"seen-{pk}": seen for pk, seen in SEEN.findall(page)}
    client.post(at, again | {f"name-{ren.pk}": "Their Ren"})
    assert (stored(aoi)[0], stored(ren)[0]) == ("My Aoi", "Their Ren")


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        ("student_number", "0" * 65, "The student number is longer than 64 characters."),
        ("name", "A" * 256, "The name is longer than 255 characters."),
        ("reading", "あ\x07", "The reading contains a line break or a control character."),
        ("team", "A\nB", "The team contains a line break or a control character."),
    ],
)
def test_what_cannot_be_stored_is_said_and_nothing_is_saved(client, at, aoi, ren, field, text, problem):
    fields = form_of(client, at) | {f"{field}-{aoi.pk}": text, f"name-{ren.pk}": "Renji"}
    page = client.post(at, fields).content.decode()
    assert problem in page
    assert 'value="Renji"' in page
    assert stored(ren)[0] == "Ren"


def test_the_search_and_order_stay(client, at, aoi, ren):
    page = client.get(f"{at}?q=aoi&sort=name").content.decode()
    assert "ren@example.com" not in page
    answer = client.post(f"{at}?q=aoi&sort=name", form_of(client, f"{at}?q=aoi&sort=name"))
    assert answer["Location"].endswith("/setup/students/?q=aoi&sort=name")


def test_students_of_other_classes_are_not_reached(client, at, aoi, stranger):
    fields = form_of(client, at) | {f"name-{stranger.pk}": "X", f"seen-{stranger.pk}": "0"}
    client.post(at, fields)
    assert Student.objects.get(pk=stranger.pk).name != "X"
    assert not StudentClass.objects.filter(student=stranger, name="X").exists()


def test_who_has_left_meanwhile_stays_away(client, at, aoi):
    fields = form_of(client, at) | {f"name-{aoi.pk}": "X"}
    StudentClass.objects.filter(student=aoi).delete()
    assert client.post(at, fields).status_code == 302
    assert not StudentClass.objects.filter(student=aoi).exists()


def test_it_costs_the_same_for_many(client, at, enrol, django_assert_num_queries):
    for number in range(20):
        enrol(f"s{number}@example.com", name=f"Student {number}")
    fields = {name: text + "x" if name.startswith("name") else text for name, text in form_of(client, at).items()}
    with django_assert_num_queries(11):  # session, account, class, students, count, stored, and five of saving
        client.post(at, fields)


def test_refusals(signed_in, taro, python_class, at, aoi, hanako):
    assert signed_in(taro).get(at).status_code == 404
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert signed_in(taro).get(at).status_code == 403
    assert signed_in(taro).post(at, {}).status_code == 403
    client = signed_in(hanako)
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    assert "aoi@" not in client.get(at).content.decode()
