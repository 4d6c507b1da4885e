"""Who sits where: at most one student a seat, at most one seat a room; who leaves the class leaves the seat."""

import threading

import pytest
from django.db import IntegrityError, connection, connections, transaction

from lms import rooms, seating
from lms.deletion import delete_row
from lms.enrolment import remove_students
from lms.models import Seat, SeatAssignment, Student, StudentClass
from lms.seat_grid import Grid
from tests.lms.rooms.conftest import NOW


def test_placing_moves_and_frees(school, sit, sitting):
    aoi, ren, yui, *_ = school.people
    sit(A1=aoi, A2=ren)
    assert sitting() == {"A1": "Aoi", "A2": "Ren"}
    sit(A3=aoi)  # moves
    assert sitting() == {"A2": "Ren", "A3": "Aoi"}
    sit(A2=yui)  # takes the seat; Ren has none
    assert sitting() == {"A2": "Yui", "A3": "Aoi"}
    sit(A2=aoi, A3=yui)  # swaps
    assert sitting() == {"A2": "Aoi", "A3": "Yui"}
    sit(A2=None)
    assert sitting() == {"A3": "Yui"}


def test_nobody_of_another_class(school, sit, sitting):
    stranger = Student.objects.create(email="ken@example.com", name="Ken")
    sit(A1=school.people[0])
    with pytest.raises(seating.NotInClass):
        sit(A1=stranger)
    assert sitting() == {"A1": "Aoi"}


def test_seats_of_another_room_are_left_out(school, sitting):
    hall = rooms.make_room(school.python.pk, name="Hall", seats=Grid(rows=1, columns=1).seats(), now=NOW)
    elsewhere = hall.seats.get().pk
    assert seating.assign(school.lab, {elsewhere: school.people[0].pk}, now=NOW) == {}
    assert sitting(hall) == sitting() == {}


def test_one_seat_in_each_room(school, sit):
    aoi = school.people[0]
    hall = rooms.make_room(school.python.pk, name="Hall", seats=Grid(rows=1, columns=1).seats(), now=NOW)
    sit(A2=aoi)
    sit(hall, A1=aoi)
    assert rooms.seats_of(school.python.pk) == {
        aoi.pk: [rooms.SeatOf(school.lab.pk, "Lab", "A2"), rooms.SeatOf(hall.pk, "Hall", "A1")]
    }
    assert rooms.seats_of(school.rust.pk) == {}


def test_the_database_refuses_a_second_seat(school, sit):
    sit(A1=school.people[0])
    taken = SeatAssignment.objects.get()
    other = Seat.objects.get(room=school.lab, label="A2")
    with pytest.raises(IntegrityError), transaction.atomic():
        SeatAssignment.objects.create(seat=other, room=school.lab, enrolment=taken.enrolment)


def test_everybody_in_an_order(school, sit, sitting):
    ids = [student.pk for student in school.people]
    sit(A2=school.people[4])
    assert seating.fill(school.lab, ids, keep=True, now=NOW) == 4
    assert sitting() == {"A1": "Aoi", "A2": "Mio", "A3": "Ren", "B1": "Yui", "B2": "Sota"}
    assert seating.fill(school.lab, reversed(ids), keep=False, now=NOW) == 5
    assert sitting() == {"A1": "Mio", "A2": "Sota", "A3": "Yui", "B1": "Ren", "B2": "Aoi"}
    assert seating.free_all(school.lab) == 5
    rooms.lay_out(school.lab, Grid(rows=1, columns=2).seats())
    assert seating.fill(school.lab, ids, keep=False, now=NOW) == 2  # no more seats
    assert sitting() == {"A1": "Aoi", "A2": "Ren"}


def test_who_leaves_the_class_leaves_the_seat(school, sit, sitting):
    aoi, ren, yui, *_ = school.people
    sit(A1=aoi, A2=ren, A3=yui)
    assert remove_students(school.python.pk, [aoi.pk, ren.pk]) == 2  # students, not seats
    StudentClass.objects.create(student=aoi, class_ref=school.python)
    assert sitting() == {"A3": "Yui"}
    delete_row(yui)
    assert sitting() == {}


@pytest.mark.django_db(transaction=True)
def test_two_teachers_place_at_once(school, sitting):
    """Both place another student on A1, at once: one of them sits there, and nothing fails."""
    seat = Seat.objects.get(room=school.lab, label="A1").pk
    at_once = threading.Barrier(2)
    problems: list[Exception] = []

    def place(student: Student) -> None:
        try:
            at_once.wait(10)
            seating.assign(school.lab, {seat: student.pk}, now=NOW)
        except Exception as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    teachers = [threading.Thread(target=place, args=[student]) for student in school.people[:2]]
    for each in teachers:
        each.start()
    for each in teachers:
        each.join()
    assert problems == []
    assert list(sitting().values()) in (["Aoi"], ["Ren"])
    assert connection.is_usable()
