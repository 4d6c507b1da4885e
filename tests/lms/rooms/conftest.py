"""A class of five in a room of two rows of three, and another class."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from instructors.models import Instructor
from lms import rooms, seating
from lms.models import Class, Student, StudentClass
from lms.seat_grid import Grid

NOW = datetime(2026, 4, 10, 9, tzinfo=UTC)


@pytest.fixture
def school(db) -> SimpleNamespace:
    teacher = Instructor.objects.create_user("taro@example.com", "correct horse", name="Taro")
    python = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
    rust = Class.objects.create(class_code="RS", name="Rust", instructor=teacher)
    names = ("Aoi", "Ren", "Yui", "Sota", "Mio")
    people = [Student.objects.create(email=f"{name.lower()}@example.com", name=name) for name in names]
    for student in people:
        StudentClass.objects.create(student=student, class_ref=python)
    lab = rooms.make_room(python.pk, name="Lab", seats=Grid(rows=2, columns=3).seats(), now=NOW)
    return SimpleNamespace(teacher=teacher, python=python, rust=rust, people=people, lab=lab)


@pytest.fixture
def sit(school):
    """Place students by the label of the seat: `sit(A1=aoi)`."""

    def place(room=None, **people):
        room = room or school.lab
        seats = {seat.label: seat.pk for seat in room.seats.all()}
        chosen = {seats[label]: student and student.pk for label, student in people.items()}
        return seating.assign(room, chosen, now=NOW)

    return place


@pytest.fixture
def sitting(school):
    """Return who sits where by label, free seats left out."""

    def found(room=None) -> dict[str, str]:
        names = dict(Student.objects.values_list("pk", "name"))
        room = rooms.with_seats(type(school.lab).objects.filter(pk=(room or school.lab).pk)).get()
        return {seat.label: names[seat.student_id] for seat in rooms.seats_in(room) if seat.student_id}

    return found
