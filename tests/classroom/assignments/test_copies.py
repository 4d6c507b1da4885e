"""An assignment is copied for another class, a class for the next year: what comes along, and that people do not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from instructors.models import AuditLog
from lms import rooms, seating
from lms.copies import ImplausibleDate, moved
from lms.models import (
    AssignmentStarter,
    AssignmentSubmission,
    Class,
    ClassAssignment,
    DueDateExtension,
    RubricItem,
    SavedComment,
    StudentClass,
)
from lms.seat_grid import Grid
from realtime import broadcast

DUE = datetime(2026, 5, 1, 14, 59, tzinfo=UTC)


@pytest.fixture
def loops(python_class, notebook, aoi, hanako):
    made = ClassAssignment.objects.create(
        class_ref=python_class, notebook=notebook, title="Loops", description="Sum.", due_date=DUE, points=10, weight=2
    )
    AssignmentStarter.objects.create(assignment=made, content={"cells": []}, content_sha256="0" * 64)
    RubricItem.objects.create(assignment=made, position=0, text="It runs", points=6)
    SavedComment.objects.create(assignment=made, text="Name your variables.")
    SavedComment.objects.create(author=hanako, text="Mine")
    AssignmentSubmission.objects.create(assignment=made, student=aoi, grade=7)
    DueDateExtension.objects.create(assignment=made, student=aoi, due_date=DUE + timedelta(days=1))
    return made


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


@pytest.fixture
def at(loops):
    return f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/copy/"


@pytest.fixture
def whole(loops):
    return f"/classes/{loops.class_ref_id}/setup/copy/"


@pytest.fixture
def announced(monkeypatch):
    sent = []

    def publish(rows, notices, *, outside):
        sent.extend(frame.data.assignment_id for frame in outside)

    monkeypatch.setattr(broadcast, "publish", publish)
    return sent


def parts(assignment):
    return {
        "columns": (assignment.title, assignment.description, assignment.points, assignment.weight),
        "notebook": assignment.notebook_id,
        "starter": assignment.starter.content_sha256,
        "rubric": list(assignment.rubric.values_list("text", "points", "position")),
        "comments": list(assignment.saved_comments.values_list("text", flat=True)),
    }


def test_an_assignment_into_another_class(client, at, loops, hanako, announced):
    next_year = Class.objects.create(class_code="PY2", name="Next", instructor=hanako)
    answer = client.post(at, {"to": next_year.pk, "days": "364"})
    [made] = next_year.assignments.all()
    assert (answer.status_code, answer["Location"]) == (302, f"/classes/{next_year.pk}/assignments/{made.pk}/edit/")
    assert parts(made) == parts(loops)
    assert made.due_date == DUE + timedelta(days=364)
    assert not made.submissions.exists()
    assert not made.extensions.exists()
    assert announced == [made.pk]
    entry = AuditLog.objects.get(action="assignment_create")
    assert (entry.target_id, entry.details) == (str(made.pk), {"copy_of": loops.pk})


def test_into_the_same_class_without_a_due_date(client, at, loops, announced):
    ClassAssignment.objects.update(due_date=None)
    client.post(at, {"to": loops.class_ref_id, "days": "7"})
    assert [each.due_date for each in ClassAssignment.objects.all()] == [None, None]


def test_the_clock_s_time_stays_where_clocks_change(settings):
    with timezone.override("Europe/Berlin"):
        winter = datetime(2026, 3, 20, 22, 59, tzinfo=UTC)  # 23:59 in Berlin
        found = moved(winter, days=14, now=DUE)
        assert timezone.localtime(found).strftime("%m-%d %H:%M") == "04-03 23:59"


@pytest.mark.parametrize("days", [100_000, 10_000_000])
def test_no_date_leaves_the_calendar(days):
    with pytest.raises(ImplausibleDate):
        moved(DUE, days=days, now=DUE)


@pytest.mark.parametrize("days", ["", "soon", "1.5", "4000", "-4000"])
def test_days_that_are_refused(client, at, loops, days, announced):
    answer = client.post(at, {"to": loops.class_ref_id, "days": days})
    assert answer.status_code == 422
    assert answer.context["form"].errors["days"][0]
    assert ClassAssignment.objects.count() == 1


def test_a_date_in_no_plausible_year_is_refused(client, at, whole, loops, announced):
    ClassAssignment.objects.update(due_date=datetime(2199, 5, 1, tzinfo=UTC))
    assert "an implausible year" in client.post(at, {"to": loops.class_ref_id, "days": "3000"}).content.decode()
    answer = client.post(whole, {"name": "Next", "class_code": "PY2", "days": "3000"})
    assert "an implausible year" in answer.content.decode()
    assert ClassAssignment.objects.count() == 1
    assert Class.objects.count() == 1, "not half a class"


def test_only_by_who_teaches_both(client, signed_in, at, taro, announced):
    other = Class.objects.create(class_code="RS", name="Rust", instructor=taro)
    assert "Choose a class that you teach." in client.post(at, {"to": other.pk, "days": "7"}).content.decode()
    assert signed_in(taro).get(at).status_code == 404
    assert not other.assignments.exists()


def test_an_assistant_copies_nothing(signed_in, assistant, at, whole, loops):
    client = signed_in(assistant)
    assert client.get(at).status_code == 404
    assert client.post(at, {"to": loops.class_ref_id, "days": "7"}).status_code == 404
    assert client.get(whole).status_code == 403
    assert client.post(whole, {"name": "Next", "class_code": "PY2", "days": "7"}).status_code == 403
    assert ClassAssignment.objects.count() == 1


def test_a_whole_class(client, whole, loops, hanako, taro, python_class, notebook, announced):
    ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Project")
    Class.objects.update(description="Every Tuesday", start_date=DUE, end_date=DUE + timedelta(days=90))
    answer = client.post(whole, {"name": "Python 2027", "class_code": "PY2", "days": "364"})
    made = Class.objects.get(class_code="PY2")
    assert (answer.status_code, answer["Location"]) == (302, f"/classes/{made.pk}/setup/")
    assert (made.name, made.description, made.instructor, made.is_active) == (
        "Python 2027",
        "Every Tuesday",
        hanako,
        True,
    )
    assert (made.start_date, made.end_date) == (DUE + timedelta(days=364), DUE + timedelta(days=454))
    first, second = made.assignments.all()
    assert (parts(first), second.title) == (parts(loops), "Project")
    assert not StudentClass.objects.filter(class_ref=made).exists()
    assert not made.staff.exists()
    assert not made.keys.exists()
    assert not AssignmentSubmission.objects.filter(assignment__class_ref=made).exists()


def test_a_whole_class_has_its_rooms_and_nobody_in_them(client, whole, python_class, aoi, announced):
    room = rooms.make_room(python_class.pk, name="Lab", seats=Grid(rows=1, columns=2).seats(), now=DUE)
    seating.fill(room, [aoi.pk], keep=True, now=DUE)
    client.post(whole, {"name": "Python 2027", "class_code": "PY2", "days": "364"})
    [copy] = rooms.with_seats(rooms.rooms_of(Class.objects.get(class_code="PY2").pk))
    assert (copy.name, [(seat.label, seat.student_id) for seat in rooms.seats_in(copy)]) == (
        "Lab",
        [("A1", None), ("A2", None)],
    )


def test_a_code_that_is_taken(client, whole, announced):
    answer = client.post(whole, {"name": "Next", "class_code": "PY", "days": "364"})
    assert "Another class has this code." in answer.content.decode()
    assert Class.objects.count() == 1


def test_the_forms_say_what_is_copied(client, at, whole):
    assert "no hand-ins, grades or extensions" in client.get(at).content.decode()
    assert "There is 1 assignment." in client.get(whole).content.decode()
