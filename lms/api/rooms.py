"""Rooms of classes, their seats and who sits there (docs/contract/http.md section 17b). For staff only."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import BadRequest, Unprocessable
from instructors.rest.fields import Name, Number, RowId
from instructors.rest.openapi import documented
from instructors.rest.parameters import find_or_404, path_id, validated
from lms import rooms, seating
from lms.access import classes_of
from lms.api.base import ApiView
from lms.api.permissions import refuse_unless_taught
from lms.models import Room
from lms.models.rooms import MAX_ROOM_NAME, MAX_SEAT_LABEL
from lms.rooms import picture_of, seats_in, with_seats
from lms.seat_grid import MAX_COLUMNS, MAX_ROWS, MAX_SEATS, Grid, PlacedSeat

EXAMPLE = {"name": "Room 2", "rows": 6, "columns": 8, "aisles": [4]}


class SeatResponse(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="seat_id")
    label = serializers.CharField()  # type: ignore[assignment]
    x = serializers.FloatField(help_text="Percent of the room's width, the middle of the seat.")
    y = serializers.FloatField(help_text="Percent of its depth, from the front.")
    student_id = serializers.IntegerField(allow_null=True)


class RoomResponse(serializers.ModelSerializer[Room]):
    class_id = serializers.IntegerField(source="class_ref_id", read_only=True)
    picture_url = serializers.SerializerMethodField(help_text="At the server's root.")
    seats = serializers.SerializerMethodField()

    class Meta:
        model = Room
        fields = ["id", "class_id", "name", "picture_url", "seats", "created_at"]
        read_only_fields = fields

    def get_picture_url(self, room: Room) -> str | None:
        picture = picture_of(room)
        return picture.image_url if picture else None

    @extend_schema_field(SeatResponse(many=True))
    def get_seats(self, room: Room) -> list[SeatResponse]:
        return SeatResponse(seats_in(room), many=True).data  # type: ignore[return-value]


class RoomName(serializers.Serializer[Any]):
    name = Name(max_length=MAX_ROOM_NAME)


class NewRoom(RoomName):
    rows = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ROWS)
    columns = serializers.IntegerField(required=False, min_value=1, max_value=MAX_COLUMNS)
    aisles = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_COLUMNS), required=False, max_length=MAX_COLUMNS,
        help_text="Behind which seats of a row there is an aisle.",
    )  # fmt: skip


class SeatFields(serializers.Serializer[Any]):
    label = Name(max_length=MAX_SEAT_LABEL)  # type: ignore[assignment]
    x = Number(min_value=0, max_value=100)
    y = Number(min_value=0, max_value=100)


class SeatsFields(serializers.Serializer[Any]):
    seats = serializers.ListField(child=SeatFields(), max_length=MAX_SEATS)


class SittingFields(serializers.Serializer[Any]):
    seat_id = RowId()
    student_id = RowId(allow_null=True)


class PeopleFields(serializers.Serializer[Any]):
    people = serializers.ListField(child=SittingFields(), max_length=MAX_SEATS)


class RoomBase(ApiView):
    def find(self, room_id: str, *, to_change: bool = False) -> Room:
        """Return the room. Raises NotFound, PermissionDenied for assistants who change it."""
        mine = Room.objects.filter(class_ref__in=classes_of(self.viewer).values("pk"))
        found = find_or_404(mine, path_id(room_id, "room_id"), "Room")
        if to_change:
            refuse_unless_taught(self.viewer, found.class_ref_id)
        return found

    def answer(self, room: Room, status: int = 200) -> Response:
        return Response(RoomResponse(drawn(Room.objects.filter(pk=room.pk)).get()).data, status=status)


class RoomsView(RoomBase):
    action = "list or make rooms"

    @documented(summary="Rooms of a class", responses={200: RoomResponse(many=True)}, errors=(404,))
    def get(self, request: Request, class_id: str) -> Response:
        """With their seats by label, and who sits there."""
        found = find_or_404(classes_of(self.viewer), path_id(class_id, "class_id"), "Class")
        return Response(RoomResponse(drawn(rooms.rooms_of(found.pk)), many=True).data)

    @documented(
        summary="Make a room",
        request=NewRoom,
        responses={201: RoomResponse},
        errors=(400, 404),
        example=EXAMPLE,
    )
    def post(self, request: Request, class_id: str) -> Response:
        """`rows` and `columns` make the seats A1, A2, …, with A at the front; without them the room has no seats."""
        found = find_or_404(classes_of(self.viewer), path_id(class_id, "class_id"), "Class")
        refuse_unless_taught(self.viewer, found.pk)
        fields = validated(NewRoom(data=request.data))
        try:
            with transaction.atomic():
                seats = _grid(fields)
                made = rooms.make_room(found.pk, name=fields["name"], seats=seats, now=timezone.now())
                self.record_change("room_create", made, details={"class_id": found.pk, "seats": len(seats)})
        except rooms.RoomNameTaken:
            raise _name_taken() from None
        except rooms.TooManyRooms:
            raise BadRequest(f"A class has at most {rooms.MAX_ROOMS} rooms") from None
        rooms.announce_room(made)
        return self.answer(made, 201)


class RoomView(RoomBase):
    action = "read or change a room"

    @documented(summary="One room", responses={200: RoomResponse}, errors=(404,))
    def get(self, request: Request, room_id: str) -> Response:
        return self.answer(self.find(room_id))

    @documented(
        summary="Rename a room",
        request=RoomName,
        responses={200: RoomResponse},
        errors=(400, 404),
        example={"name": "PC lab B"},
    )
    def put(self, request: Request, room_id: str) -> Response:
        """Assistants are refused."""
        found = self.find(room_id, to_change=True)
        fields = validated(RoomName(data=request.data))
        try:
            with transaction.atomic():
                rooms.rename_room(found, name=fields["name"])
                self.record_change("room_update", found, fields=["name"])
        except rooms.RoomNameTaken:
            raise _name_taken() from None
        rooms.announce_room(found)
        return self.answer(found)

    @documented(summary="Delete a room", responses={200: RoomResponse}, errors=(404,))
    def delete(self, request: Request, room_id: str) -> Response:
        """Its seats and its picture go too. Returns the room as it was. Assistants are refused."""
        found = self.find(room_id, to_change=True)
        deleted = self.answer(found)
        with transaction.atomic():
            self.record_change("room_delete", found, details={"class_id": found.class_ref_id})
            gone = Room(pk=found.pk, class_ref_id=found.class_ref_id)
            rooms.remove_room(found)
        rooms.announce_room(gone)
        return deleted


class SeatsView(RoomBase):
    action = "lay out the seats of a room"

    @documented(
        summary="Lay out the seats",
        request=SeatsFields,
        responses={200: RoomResponse},
        errors=(404,),
        example={"seats": [{"label": "A1", "x": 12.5, "y": 20}, {"label": "A2", "x": 37.5, "y": 20}]},
    )
    def put(self, request: Request, room_id: str) -> Response:
        """The room has these seats then and no others. Whoever sits on a seat whose label stays, stays there.
        Assistants are refused."""
        found = self.find(room_id, to_change=True)
        fields = validated(SeatsFields(data=request.data))
        seats = [PlacedSeat(seat["label"], seat["x"], seat["y"]) for seat in fields["seats"]]
        try:
            with transaction.atomic():
                rooms.lay_out(found, seats)
                self.record_change("room_update", found, fields=["seats"])
        except rooms.SeatLabelTaken:
            raise Unprocessable(["body", "seats"], "Two seats have the same label", "value_error") from None
        rooms.announce_room(found)
        return self.answer(found)


class PeopleView(RoomBase):
    action = "say who sits where"

    @documented(
        summary="Place students",
        request=PeopleFields,
        responses={200: RoomResponse},
        errors=(404,),
        example={"people": [{"seat_id": 1, "student_id": 2}, {"seat_id": 3, "student_id": None}]},
    )
    def put(self, request: Request, room_id: str) -> Response:
        """Seats that are not named stay as they are, except that a student leaves the seat they had in this room. Null
        frees a seat. Assistants are refused."""
        found = self.find(room_id, to_change=True)
        fields = validated(PeopleFields(data=request.data))
        wanted = {each["seat_id"]: each["student_id"] for each in fields["people"]}
        students = [student for student in wanted.values() if student is not None]
        if len(wanted) < len(fields["people"]) or len(set(students)) < len(students):
            raise Unprocessable(["body", "people"], "A seat or a student is named twice", "value_error")
        known = set(found.seats.filter(pk__in=wanted).values_list("pk", flat=True))
        if unknown := sorted(set(wanted) - known):
            raise Unprocessable(["body", "people"], f"The room has no seat with id {unknown[0]}", "value_error")
        try:
            with transaction.atomic():
                seating.assign(found, wanted, now=timezone.now())
                self.record_change("seats_assign", found, details={"seats": len(wanted)})
        except seating.NotInClass:
            raise Unprocessable(
                ["body", "people"], "A student is not in the class of the room", "value_error"
            ) from None
        rooms.announce_room(found)
        return self.answer(found)


def drawn(found: QuerySet[Room]) -> QuerySet[Room]:
    """Fetch what `RoomResponse` shows: two queries, whatever the number of rooms."""
    return with_seats(found).select_related("picture")


def _grid(fields: dict[str, Any]) -> list[PlacedSeat]:
    """Return the seats of the rows and columns; none without. Raises Unprocessable."""
    rows, columns = fields.get("rows"), fields.get("columns")
    if rows is None and columns is None:
        return []
    if rows is None or columns is None:
        raise Unprocessable(["body", "rows" if rows is None else "columns"], "Field required", "missing")
    grid = Grid(rows=rows, columns=columns, aisles=fields.get("aisles", []))
    if not grid.is_possible:
        words = f"At most {MAX_SEATS} seats, and an aisle is behind seat 1 to {columns - 1}"
        raise Unprocessable(["body", "aisles" if rows * columns <= MAX_SEATS else "columns"], words, "value_error")
    return grid.seats()


def _name_taken() -> BadRequest:
    return BadRequest("The class has a room of this name")
