"""The page of the room: a room of the class with its seats, or the teams and their places on the map."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_page, classroom_of, is_fragment
from classroom.base.display import display_of
from classroom.base.js_strings import seat_texts, team_texts
from classroom.base.rooms import TEAMS, chosen_room, remember_room
from classroom.seating.seats import choice_among, seat_view
from classroom.seating.selectors import team_view
from events.student_status import ACTIVE_WINDOW, ERROR_WINDOW
from lms.models import Room
from lms.rooms import rooms_of


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The error of a form, and what was typed into it."""

    form: str
    message: str
    team: str = ""
    x: str = ""
    y: str = ""


@class_page
def room(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Show a room of the class with its seats, all of them, or the teams: as `room` of the query says, else as this
    account chose last."""
    classroom = classroom_of(request, class_id)
    if class_id is None:
        return show_room(request, classroom)
    rooms, asked = list(rooms_of(class_id)), request.GET.get("room", "")
    choice = choice_among(rooms, asked, chosen_room(request, class_id))
    if asked == choice and not is_fragment(request):
        remember_room(request, class_id, choice)
    if choice == TEAMS:
        return show_room(request, classroom, rooms=rooms)
    now = timezone.now()
    context = {
        "classroom": classroom,
        "now": now,
        "view": seat_view(classroom, rooms, choice, now=now, display=display_of(request)),
        "active_seconds": int(ACTIVE_WINDOW.total_seconds()),
        "error_seconds": int(ERROR_WINDOW.total_seconds()),
        "texts": seat_texts(),
        "rooms": rooms,
        "choice": choice,
    }
    return render(request, "seating/_seats.html" if is_fragment(request) else "seating/seats.html", context)


def show_room(
    request: HttpRequest, classroom: Classroom, *, refusal: Refusal | None = None, rooms: Sequence[Room] = ()
) -> HttpResponse:
    """Show the teams and their map; `rooms` are the other choices."""
    now = timezone.now()
    context = {
        "classroom": classroom,
        "now": now,
        "view": team_view(classroom, now=now, display=display_of(request)),
        "rooms": rooms,
        "choice": TEAMS,
        "refusal": refusal,
        "active_seconds": int(ACTIVE_WINDOW.total_seconds()),
        "error_seconds": int(ERROR_WINDOW.total_seconds()),
        "texts": team_texts(),
    }
    template = "seating/_state.html" if is_fragment(request) else "seating/room.html"
    return render(request, template, context, status=400 if refusal else 200)
