"""Rooms of a class: make them, and place seats in them. (Who sits there: `lms.seating`.)

Whoever changes a room locks its row first, so that two writers never give one seat twice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import CharField, Prefetch, QuerySet, Value
from django.db.models.functions import Cast, Concat

from core.identity import label_key
from lms import maps
from lms.maps import HUNDREDTH
from lms.models import Class, ClassroomMap, Room, Seat, SeatAssignment
from lms.seat_grid import MAX_SEATS, PlacedSeat, label_order
from realtime import broadcast, groups, messages
from realtime.broadcast import best_effort, notify

MAX_ROOMS = 50  # of a class


class RoomNameTaken(ValueError):
    """The class already has a room with this name."""


class TooManyRooms(ValueError):
    """The class would have more than MAX_ROOMS rooms."""


class TooManySeats(ValueError):
    """The room would have more than MAX_SEATS seats."""


class SeatLabelTaken(ValueError):
    """Two seats of the room would have one label."""


@dataclass(frozen=True, slots=True)
class SeatOf:
    """Where a student sits in one room."""

    room_id: int
    room: str
    label: str


@dataclass(frozen=True, slots=True)
class Seated:
    """A seat as it is: its label, its point, and who sits there."""

    seat_id: int
    label: str
    x: float
    y: float
    student_id: int | None


def rooms_of(class_id: int) -> QuerySet[Room]:
    """Return the rooms of a class in the order in which they were made."""
    return Room.objects.filter(class_ref=class_id)


def with_seats(rooms: QuerySet[Room]) -> QuerySet[Room]:
    """Prefetch what `seats_in` reads: two queries, whatever the number of rooms."""
    seats = Seat.objects.select_related("assignment__enrolment")
    return rooms.prefetch_related(Prefetch("seats", queryset=seats))


def seats_in(room: Room) -> list[Seated]:
    """Return the seats by label: A2 before A10. No query if they were prefetched (`with_seats`)."""
    found = [
        Seated(
            seat.pk,
            seat.label,
            float(seat.position_x),
            float(seat.position_y),
            seat.assignment.enrolment.student_id if hasattr(seat, "assignment") else None,
        )
        for seat in room.seats.all()
    ]
    return sorted(found, key=lambda seat: label_order(seat.label))


def seats_of(class_id: int) -> dict[int, list[SeatOf]]:
    """Return where the students of a class sit: their seats, by room. One query."""
    rows = SeatAssignment.objects.filter(room__class_ref=class_id)
    found: dict[int, list[SeatOf]] = {}
    columns = ("enrolment__student", "room", "room__name", "seat__label")
    for student, *values in rows.order_by("room", "pk").values_list(*columns):
        found.setdefault(student, []).append(SeatOf(*values))
    return found


# --- Rooms and their seats ------------------------------------------------------------------------------------------


def make_room(class_id: int, *, name: str, seats: Sequence[PlacedSeat] = (), now: datetime) -> Room:
    """Create a room with these seats. Raises RoomNameTaken, TooManyRooms, TooManySeats, SeatLabelTaken."""
    with transaction.atomic():
        Class.objects.select_for_update(no_key=True).get(pk=class_id)
        if rooms_of(class_id).count() >= MAX_ROOMS:
            raise TooManyRooms
        room = _named(Room(class_ref_id=class_id, name=name, created_at=now))
        lay_out(room, seats)
    return room


def rename_room(room: Room, *, name: str) -> None:
    """Rename the room. Raises RoomNameTaken, Room.DoesNotExist."""
    with transaction.atomic():
        lock(room)  # saving a room that was deleted meanwhile would make it again, without its seats
        room.name = name
        _named(room)


def _named(room: Room) -> Room:
    try:
        with transaction.atomic():
            room.save()
    except IntegrityError:
        raise RoomNameTaken from None
    return room


def lay_out(room: Room, seats: Sequence[PlacedSeat]) -> None:
    """Let the room have these seats and no others. Who sits on a seat whose label stays, stays there.

    Raises TooManySeats, SeatLabelTaken.
    """
    wanted = {label_key(seat.label): seat for seat in seats}
    if len(wanted) < len(seats):
        raise SeatLabelTaken
    if len(wanted) > MAX_SEATS:
        raise TooManySeats
    with transaction.atomic():
        lock(room)
        Seat.objects.filter(room=room).exclude(label_key__in=list(wanted)).delete()
        rows = [
            Seat(room=room, label=seat.label, label_key=key, position_x=_percent(seat.x), position_y=_percent(seat.y))
            for key, seat in sorted(wanted.items())
        ]
        Seat.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["room", "label_key"],
            update_fields=["label", "position_x", "position_y"],
        )


def add_seat(room: Room, seat: PlacedSeat) -> Seat:
    """Add a seat to the room. Raises TooManySeats, SeatLabelTaken."""
    with transaction.atomic():
        lock(room)
        keys = set(Seat.objects.filter(room=room).values_list("label_key", flat=True))
        if label_key(seat.label) in keys:
            raise SeatLabelTaken
        if len(keys) >= MAX_SEATS:
            raise TooManySeats
        return Seat.objects.create(
            room=room, label=seat.label, position_x=_percent(seat.x), position_y=_percent(seat.y)
        )


def change_seats(room: Room, changes: Mapping[int, PlacedSeat]) -> int:
    """Give seats of the room, by their ids, another label or point. Return how many differ. Raises SeatLabelTaken.

    Two labels may be exchanged: what counts is how they stand afterwards.
    """
    with transaction.atomic():
        lock(room)
        rows = {seat.pk: seat for seat in Seat.objects.filter(room=room)}
        changed = []
        for pk, new in changes.items():
            if pk not in rows:
                continue
            row, point = rows[pk], (_percent(new.x), _percent(new.y))
            if (row.label, row.position_x, row.position_y) != (new.label, *point):
                row.label, (row.position_x, row.position_y) = new.label, point
                changed.append(row)
        if len({label_key(row.label) for row in rows.values()}) < len(rows):
            raise SeatLabelTaken
        # Labels that change hands would meet on the way: each gets a key first that no label has.
        Seat.objects.filter(pk__in=[row.pk for row in changed]).update(
            label_key=Concat(Value("\x1f"), Cast("pk", CharField()))
        )
        Seat.objects.bulk_update(changed, ["label", "position_x", "position_y"])
    return len(changed)


def remove_seats(room: Room, seat_ids: Collection[int]) -> int:
    """Delete these seats of the room; who sits there has none. Return how many were deleted."""
    with transaction.atomic():
        lock(room)
        found = Seat.objects.filter(room=room, pk__in=list(seat_ids))
        number = found.count()
        found.delete()
    return number


def remove_room(room: Room) -> None:
    """Delete the room with its seats and its picture; the file after the commit."""
    with transaction.atomic():
        lock(room)
        names = list(ClassroomMap.objects.filter(room=room).values_list("image_filename", flat=True))
        room.delete()
        maps.delete_pictures(names)


def copy_room(room: Room, *, to: Class, name: str, by: str, now: datetime) -> Room:
    """Copy the room with its seats and its picture, if that is still there, and nobody on them. Raises RoomNameTaken,
    TooManyRooms."""
    with transaction.atomic():
        seats = [PlacedSeat(seat.label, seat.x, seat.y) for seat in seats_in(room)]
        made = make_room(to.pk, name=name, seats=seats, now=now)
        picture = picture_of(room)
        if picture is not None:
            try:
                with default_storage.open(f"{maps.DIRECTORY}/{picture.image_filename}") as file:
                    content = file.read()
            except FileNotFoundError:  # uploads were not brought back with the database
                return made
            set_picture(made, content, name=picture.original_filename, by=by, now=now)
    return made


def copy_rooms(original: Class, *, to: Class, by: str, now: datetime) -> int:
    """Copy all rooms of a class into one that has none, and nobody on their seats. Return how many there are."""
    rooms = list(with_seats(rooms_of(original.pk)))
    for room in rooms:
        copy_room(room, to=to, name=room.name, by=by, now=now)
    return len(rooms)


def lock(room: Room) -> None:
    """Lock the room until the end of the transaction. Raises Room.DoesNotExist."""
    Room.objects.select_for_update(no_key=True).get(pk=room.pk)


def _percent(value: float) -> Decimal:
    return Decimal(value).quantize(HUNDREDTH)


# --- Pictures -------------------------------------------------------------------------------------------------------


def picture_of(room: Room) -> ClassroomMap | None:
    """Return the picture of the room; None without one. One query, none if it was selected."""
    found: ClassroomMap | None = getattr(room, "picture", None)
    return found


def set_picture(room: Room, picture: bytes | None, *, name: str | None = None, by: str, now: datetime) -> None:
    """Replace the picture of the room, or take it away."""
    with transaction.atomic():
        lock(room)
        old = ClassroomMap.objects.filter(room=room).first()
        if old is not None:
            maps.remove_map(old)
        if picture is not None:
            maps.store_room_picture(
                class_id=room.class_ref_id,
                room_id=room.pk,
                picture=picture,
                original_filename=name,
                uploaded_by=by,
                now=now,
            )


def announce_room(room: Room) -> None:
    """Say to the pages of the class that its rooms, their seats or who sits there changed. After the commit."""
    data = messages.ClassroomSeatsData(class_id=room.class_ref_id, room_id=room.pk)
    notify([groups.class_group(room.class_ref_id)], messages.ClassroomSeats(data))
    # Who asks for help is told where their teachers look for them.
    best_effort(lambda: broadcast.wake_inboxes((), help_in=[room.class_ref_id]))
