"""Who sits where: place students of a class on the seats of its rooms (`lms.rooms`).

Whoever changes who sits in a room locks its row first, so that two writers never give one seat twice.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import transaction

from lms.models import Room, Seat, SeatAssignment, StudentClass
from lms.rooms import lock, seats_in, with_seats


class NotInClass(ValueError):
    """A student is not in the class of the room."""


def assign(room: Room, people: Mapping[int, int | None], *, now: datetime) -> dict[int, int | None]:
    """Place students on seats of the room: by the id of the seat the id of the student, or None to free it.

    Whoever sat there has no seat, unless they are placed on another one; a student leaves the seat that they had in
    this room. Unknown seats are left out. Return who sits there now. Five statements. Raises NotInClass.
    """
    with transaction.atomic():
        lock(room)
        seats = set(Seat.objects.filter(room=room, pk__in=list(people)).values_list("pk", flat=True))
        wanted = {seat: student for seat, student in people.items() if seat in seats}
        students = {student for student in wanted.values() if student is not None}
        members = enrolments_of(room.class_ref_id, students)
        if students - set(members):
            raise NotInClass
        theirs = SeatAssignment.objects.filter(room=room)
        (theirs.filter(seat__in=seats) | theirs.filter(enrolment__in=members.values())).delete()
        taken: dict[int, int] = {student: seat for seat, student in wanted.items() if student is not None}
        SeatAssignment.objects.bulk_create(
            SeatAssignment(seat_id=seat, room=room, enrolment_id=members[student], placed_at=now)
            for student, seat in taken.items()
        )
    return {
        seat: student if student is not None and taken[student] == seat else None for seat, student in wanted.items()
    }


def place(room: Room, student_id: int, seat_id: int, *, now: datetime) -> None:
    """Place one student. Whoever sat there gets the seat that the student had in this room, if any.

    Raises NotInClass.
    """
    with transaction.atomic():
        lock(room)
        sitting = _sitting(room)
        before = next((seat for seat, student in sitting.items() if student == student_id), None)
        changes: dict[int, int | None] = {seat_id: student_id}
        if before is not None and before != seat_id:
            changes[before] = sitting.get(seat_id)
        assign(room, changes, now=now)


def swap(room: Room, first: int, second: int, *, now: datetime) -> None:
    """Exchange who sits on two seats, given by their ids; one may be free."""
    with transaction.atomic():
        lock(room)
        sitting = _sitting(room)
        assign(room, {first: sitting.get(second), second: sitting.get(first)}, now=now)


def _sitting(room: Room) -> dict[int, int]:
    """Return the ids of the students by those of their seats. One query."""
    return dict(SeatAssignment.objects.filter(room=room).values_list("seat", "enrolment__student"))


def enrolments_of(class_id: int, student_ids: Collection[int]) -> dict[int, int]:
    """Return the ids of the enrolments of those of these students who are in the class, locked. One query."""
    rows = StudentClass.objects.select_for_update(no_key=True).filter(class_ref=class_id, student__in=list(student_ids))
    return dict(rows.order_by("pk").values_list("student", "pk"))


def free_all(room: Room) -> int:
    """Free all seats of the room. Return how many were taken."""
    with transaction.atomic():
        lock(room)
        return SeatAssignment.objects.filter(room=room).delete()[0]


def fill(room: Room, students: Iterable[int], *, keep: bool, now: datetime) -> int:
    """Place these students, in their order, on the seats by label. Return how many were placed.

    With `keep` those who sit stay, and the others get the seats that are free; else everybody moves. Whoever finds no
    seat has none.
    """
    with transaction.atomic():
        lock(room)
        if not keep:
            free_all(room)
        seats = seats_in(with_seats(Room.objects.filter(pk=room.pk)).get())
        sitting = {seat.student_id for seat in seats}
        free = [seat.seat_id for seat in seats if seat.student_id is None]
        placed = dict(zip(free, (student for student in students if student not in sitting), strict=False))
        assign(room, placed, now=now)
    return len(placed)
