"""Change rooms, seats and who sits there. The audit log records each change, and open pages receive it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    """Make a room. Raises what `lms.rooms.make_room` raises."""
    with transaction.atomic():
        made = rooms.make_room(class_ref.pk, name=name, seats=seats, now=now)
        _record("room_create", made, by, request, seats=len(seats))
    rooms.announce_room(made)
    return made


def rename_room(room: Room, *, name: str, by: Instructor, request: HttpRequest) -> None:
    """Rename the room. Raises RoomNameTaken."""
    with _change("room_update", room, by, request, fields=["name"]):
        rooms.rename_room(room, name=name)


def remove_room(room: Room, *, by: Instructor, request: HttpRequest) -> None:
    with transaction.atomic():
        _record("room_delete", room, by, request, name=room.name)
        announced = Room(pk=room.pk, class_ref_id=room.class_ref_id)
        rooms.remove_room(room)
    rooms.announce_room(announced)


def copy_room(room: Room, *, to: Class, name: str, by: Instructor, request: HttpRequest, now: datetime) -> Room:
    """Copy the room. Raises RoomNameTaken, TooManyRooms."""
    with transaction.atomic():
        made = rooms.copy_room(room, to=to, name=name, by=by.email, now=now)
        _record("room_create", made, by, request, copy_of=room.pk)
    rooms.announce_room(made)
    return made


def set_picture(
    room: Room, picture: bytes | None, *, name: str | None, by: Instructor, request: HttpRequest, now: datetime
) -> None:
    with _change("room_update", room, by, request, fields=["picture"]):
        rooms.set_picture(room, picture, name=name, by=by.email, now=now)


def lay_out(room: Room, seats: Sequence[PlacedSeat], *, by: Instructor, request: HttpRequest) -> None:
    """Replace the seats of the room. Raises TooManySeats, SeatLabelTaken."""
    with _change("room_update", room, by, request, seats=len(seats)):
        rooms.lay_out(room, seats)


def add_seat(room: Room, seat: PlacedSeat, *, by: Instructor, request: HttpRequest) -> None:
    """Add a seat. Raises TooManySeats, SeatLabelTaken."""
    with _change("room_update", room, by, request, added=seat.label):
        rooms.add_seat(room, seat)


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
    """Place students on seats. Raises NotInClass."""
    with _change("seats_assign", room, by, request, seats=len(people), **details):
        seating.assign(room, people, now=now)


def place(room: Room, *, student_id: int, seat_id: int, by: Instructor, request: HttpRequest, now: datetime) -> None:
    """Place one student. Raises NotInClass."""
    with _change("seats_assign", room, by, request, seats=1):
        seating.place(room, student_id, seat_id, now=now)


def swap(room: Room, first: int, second: int, *, by: Instructor, request: HttpRequest, now: datetime) -> None:
    with _change("seats_assign", room, by, request, seats=2):
        seating.swap(room, first, second, now=now)


def free_all(room: Room, *, by: Instructor, request: HttpRequest) -> int:
    with _change("seats_free", room, by, request) as details:
        details["seats"] = seating.free_all(room)
    return int(details["seats"])


def fill(
    classroom: Classroom, room: Room, order: str, *, keep: bool, by: Instructor, request: HttpRequest, now: datetime
) -> int:
    """Seat the class in one of FILL_ORDERS. Return how many got a seat."""
    found = classroom.students.order_by(*ORDERS.get(order, BY_READING)).values_list("pk", flat=True)
    students = list(found)
    if order == RANDOM:
        SystemRandom().shuffle(students)
    with _change("seats_assign", room, by, request, order=order) as details:
        details["seats"] = seating.fill(room, students, keep=keep, now=now)
    return int(details["seats"])


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
    with _change("seat_list_import", room, by, request, seats=len(people), skipped=skipped):
        if free_others:
            seating.free_all(room)
        seating.assign(room, people, now=now)


@contextmanager
def _change(action: str, room: Room, by: Instructor, request: HttpRequest, **details: Any) -> Iterator[dict[str, Any]]:
    """Change the room in a transaction with its audit entry, and announce it after the commit. The block may add to the
    details."""
    with transaction.atomic():
        yield details
        _record(action, room, by, request, **details)
    rooms.announce_room(room)


def _record(action: str, room: Room, by: Instructor, request: HttpRequest, **details: Any) -> None:
    """Record a change of a room in the audit log, as one of its class."""
    audit.record(action, room.class_ref, actor=by, request=request, details={"room": room.pk, **details})
