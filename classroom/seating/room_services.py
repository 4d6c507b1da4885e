"""Change rooms, seats and who sits there. The audit log records each change, and open pages receive it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from random import SystemRandom
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from classroom.base.classrooms import BY_READING, ORDERS, Classroom
from instructors import audit
from instructors.models import Instructor
from lms import rooms, seating
from lms.models import Class, Room
from lms.seat_grid import PlacedSeat

RANDOM = "random"
FILL_ORDERS = ("reading", "number", RANDOM)


def make_room(
    class_ref: Class, *, name: str, seats: Sequence[PlacedSeat], by: Instructor, request: HttpRequest, now: datetime
) -> Room:
    """Make a room and record it. Raises what `lms.rooms.make_room` raises."""
    with transaction.atomic():
        made = rooms.make_room(class_ref.pk, name=name, seats=seats, now=now)
        _record("room_create", made, by, request, seats=len(seats))
    rooms.announce_room(made)
    return made


def rename_room(room: Room, *, name: str, by: Instructor, request: HttpRequest) -> None:
    """Rename the room and record it. Raises RoomNameTaken."""
    with transaction.atomic():
        rooms.rename_room(room, name=name)
        _record("room_update", room, by, request, fields=["name"])
    rooms.announce_room(room)


def remove_room(room: Room, *, by: Instructor, request: HttpRequest) -> None:
    with transaction.atomic():
        _record("room_delete", room, by, request, name=room.name)
        announced = Room(pk=room.pk, class_ref_id=room.class_ref_id)
        rooms.remove_room(room)
    rooms.announce_room(announced)


def copy_room(room: Room, *, to: Class, name: str, by: Instructor, request: HttpRequest, now: datetime) -> Room:
    """Copy the room and record it. Raises RoomNameTaken, TooManyRooms."""
    with transaction.atomic():
        made = rooms.copy_room(room, to=to, name=name, by=by.email, now=now)
        _record("room_create", made, by, request, copy_of=room.pk)
    rooms.announce_room(made)
    return made


def set_picture(
    room: Room, picture: bytes | None, *, name: str | None, by: Instructor, request: HttpRequest, now: datetime
) -> None:
    with transaction.atomic():
        rooms.set_picture(room, picture, name=name, by=by.email, now=now)
        _record("room_update", room, by, request, fields=["picture"])
    rooms.announce_room(room)


def lay_out(room: Room, seats: Sequence[PlacedSeat], *, by: Instructor, request: HttpRequest) -> None:
    """Replace the seats of the room and record it. Raises TooManySeats, SeatLabelTaken."""
    with transaction.atomic():
        rooms.lay_out(room, seats)
        _record("room_update", room, by, request, seats=len(seats))
    rooms.announce_room(room)


def add_seat(room: Room, seat: PlacedSeat, *, by: Instructor, request: HttpRequest) -> None:
    """Add a seat and record it. Raises TooManySeats, SeatLabelTaken."""
    with transaction.atomic():
        rooms.add_seat(room, seat)
        _record("room_update", room, by, request, added=seat.label)
    rooms.announce_room(room)


def change_seats(
    room: Room,
    changes: Mapping[int, PlacedSeat],
    removed: Collection[int],
    *,
    by: Instructor,
    request: HttpRequest,
) -> int:
    """Change some seats and remove others. Return how many. Raises SeatLabelTaken."""
    with transaction.atomic():
        count = rooms.remove_seats(room, removed) if removed else 0
        count += rooms.change_seats(room, {pk: seat for pk, seat in changes.items() if pk not in removed})
        if count:
            _record("room_update", room, by, request, changed=count)
    if count:
        rooms.announce_room(room)
    return count


def assign(
    room: Room, people: Mapping[int, int | None], *, by: Instructor, request: HttpRequest, now: datetime, **details: Any
) -> None:
    """Place students on seats and record it. Raises NotInClass."""
    with transaction.atomic():
        seating.assign(room, people, now=now)
        _record("seats_assign", room, by, request, seats=len(people), **details)
    rooms.announce_room(room)


def place(room: Room, *, student_id: int, seat_id: int, by: Instructor, request: HttpRequest, now: datetime) -> None:
    """Place one student and record it. Raises NotInClass."""
    with transaction.atomic():
        seating.place(room, student_id, seat_id, now=now)
        _record("seats_assign", room, by, request, seats=1)
    rooms.announce_room(room)


def swap(room: Room, first: int, second: int, *, by: Instructor, request: HttpRequest, now: datetime) -> None:
    with transaction.atomic():
        seating.swap(room, first, second, now=now)
        _record("seats_assign", room, by, request, seats=2)
    rooms.announce_room(room)


def free_all(room: Room, *, by: Instructor, request: HttpRequest) -> int:
    with transaction.atomic():
        count = seating.free_all(room)
        _record("seats_free", room, by, request, seats=count)
    rooms.announce_room(room)
    return count


def fill(
    classroom: Classroom, room: Room, order: str, *, keep: bool, by: Instructor, request: HttpRequest, now: datetime
) -> int:
    """Seat the class in one of FILL_ORDERS. Return how many got a seat."""
    found = classroom.students.order_by(*ORDERS.get(order, BY_READING)).values_list("pk", flat=True)
    students = list(found)
    if order == RANDOM:
        SystemRandom().shuffle(students)
    with transaction.atomic():
        count = seating.fill(room, students, keep=keep, now=now)
        _record("seats_assign", room, by, request, seats=count, order=order)
    rooms.announce_room(room)
    return count


def import_list(
    room: Room,
    people: Mapping[int, int | None],
    *,
    free_others: bool,
    skipped: int,
    by: Instructor,
    request: HttpRequest,
    now: datetime,
) -> None:
    """Place the people of a list; with `free_others` nobody else has a seat in the room."""
    with transaction.atomic():
        if free_others:
            seating.free_all(room)
        seating.assign(room, people, now=now)
        _record("seat_list_import", room, by, request, seats=len(people), skipped=skipped)
    rooms.announce_room(room)


def _record(action: str, room: Room, by: Instructor, request: HttpRequest, **details: Any) -> None:
    """Record a change of a room in the audit log, as one of its class."""
    audit.record(action, room.class_ref, actor=by, request=request, details={"room": room.pk, **details})
