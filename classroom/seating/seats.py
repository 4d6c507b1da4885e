"""The rooms of a class as the page shows them: each seat with who sits there, and who has no seat."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from classroom.attention.claims import claims_of
from classroom.base.classrooms import MAX_CARDS, Classroom, latest_of
from classroom.base.display import Display
from classroom.base.rooms import ALL, TEAMS
from classroom.base.student_cards import Card, card, place_of
from classroom.seating.plans import PlanSize, fitting, plan_size
from events.student_status import student_rows
from lms.models import Room
from lms.rooms import picture_of, rooms_of, seats_in, with_seats


@dataclass(frozen=True, kw_only=True)
class Sitter:
    card: Card
    helper: str  # the instructor who is on the way; empty if none
    short: str  # the name as it fits on a seat


@dataclass(frozen=True, kw_only=True)
class PlanSeat:
    seat_id: int
    label: str
    x: float
    y: float
    sitter: Sitter | None  # None too for somebody whose card is not among the first MAX_CARDS
    is_taken: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A room as it is drawn."""

    room: Room
    picture: str  # its address; empty without one
    seats: list[PlanSeat]
    size: PlanSize

    @property
    def taken(self) -> int:
        return sum(seat.is_taken for seat in self.seats)


@dataclass(frozen=True, kw_only=True)
class SeatView:
    rooms: list[Room]  # of the class
    choice: str  # the id of a room, or ALL
    plans: list[Plan]  # of the chosen rooms
    unseated: list[Sitter]  # who has a seat in none of them, the most urgent first
    is_capped: bool


def choice_among(rooms: list[Room], *wanted: str) -> str:
    """Return the first of these choices that there is, else the first room; without rooms TEAMS."""
    if not rooms:
        return TEAMS
    possible = {TEAMS, ALL, *(str(room.pk) for room in rooms)}
    return next((choice for choice in wanted if choice in possible), str(rooms[0].pk))


def seat_view(classroom: Classroom, rooms: list[Room], choice: str, *, now: datetime, display: Display) -> SeatView:
    """Return the chosen rooms. Eight queries, whatever the number of students, rooms and seats."""
    assert classroom.class_ref is not None
    chosen = [room for room in rooms if choice in (ALL, str(room.pk))]
    drawn = with_seats(Room.objects.filter(pk__in=[room.pk for room in chosen])).select_related("picture")
    rows = student_rows(latest_of(classroom.students), scope=classroom.scope, now=now)
    claims = claims_of((row["studentId"] for row in rows), scope=classroom.scope, now=now)
    cards = {row["studentId"]: card(row, display, classroom.people) for row in rows}
    helpers = {student: claim.by for student, claim in claims.items()}
    plans = [plan_of(room, cards, helpers) for room in drawn]
    seated = {seat.sitter.card.student_id for plan in plans for seat in plan.seats if seat.sitter}
    unseated = [
        Sitter(card=one, helper=helpers.get(pk, ""), short=one.name) for pk, one in cards.items() if pk not in seated
    ]
    return SeatView(
        rooms=rooms,
        choice=choice,
        plans=plans,
        unseated=sorted(unseated, key=lambda sitter: place_of(sitter.card)),
        is_capped=len(rows) >= MAX_CARDS,
    )


def plan_of(room: Room, cards: Mapping[int, Card], helpers: Mapping[int, str]) -> Plan:
    """Return the plan of a room of `with_seats`, with the students who have a card. No query."""
    seats = seats_in(room)
    size = plan_size([(seat.x, seat.y) for seat in seats])

    def sitter(student_id: int | None) -> Sitter | None:
        one = cards.get(student_id) if student_id else None
        if one is None:
            return None
        return Sitter(card=one, helper=helpers.get(one.student_id, ""), short=fitting(one.name, size.seat))

    picture = picture_of(room)
    return Plan(
        room=room,
        picture=picture.image_url if picture else "",
        seats=[
            PlanSeat(
                seat_id=seat.seat_id,
                label=seat.label,
                x=seat.x,
                y=seat.y,
                sitter=sitter(seat.student_id),
                is_taken=seat.student_id is not None,
            )
            for seat in seats
        ],
        size=size,
    )


def room_in(classroom: Classroom, room_id: int) -> Room | None:
    """Return a room of the class; None if there is none of this id. One query."""
    assert classroom.class_ref is not None
    return rooms_of(classroom.class_ref.pk).select_related("picture", "class_ref").filter(pk=room_id).first()
