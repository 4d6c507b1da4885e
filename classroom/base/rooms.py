"""The room of a class that an account has chosen to see, and the labels of seats."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils.translation import gettext

from lms.rooms import SeatOf

TEAMS, ALL = "teams", "all"  # other choices than the id of a room
SESSION_KEY = "rooms"


def chosen_room(request: HttpRequest, class_id: int) -> str:
    """Return what this account last chose to see of the class, in this login: the id of a room, TEAMS, ALL, or ""."""
    return str(request.session.get(SESSION_KEY, {}).get(str(class_id), ""))


def remember_room(request: HttpRequest, class_id: int, choice: str) -> None:
    if chosen_room(request, class_id) != choice:
        request.session[SESSION_KEY] = {**request.session.get(SESSION_KEY, {}), str(class_id): choice}


def seat_text(seat: SeatOf) -> str:
    """Return `Seat B4 · Room 2`."""
    return gettext("Seat %(seat)s · %(room)s") % {"seat": seat.label, "room": seat.room}


def seats_text(seats: Sequence[SeatOf], chosen: str) -> str:
    """Return where somebody sits: in the room that the reader has chosen, else in every room where they have a seat."""
    there = [seat for seat in seats if str(seat.room_id) == chosen]
    return "; ".join(seat_text(seat) for seat in there or seats)
