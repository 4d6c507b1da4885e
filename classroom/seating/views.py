"""The seating page: the teams and their places on the map."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_page, classroom_of, is_fragment
from classroom.base.display import display_of
from classroom.base.js_strings import team_texts
from classroom.seating.selectors import team_view
from events.student_status import ACTIVE_WINDOW, ERROR_WINDOW


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
    return show_room(request, classroom_of(request, class_id))


def show_room(request: HttpRequest, classroom: Classroom, *, refusal: Refusal | None = None) -> HttpResponse:
    now = timezone.now()
    context = {
        "classroom": classroom,
        "now": now,
        "view": team_view(classroom, now=now, display=display_of(request)),
        "refusal": refusal,
        "active_seconds": int(ACTIVE_WINDOW.total_seconds()),
        "error_seconds": int(ERROR_WINDOW.total_seconds()),
        "texts": team_texts(),
    }
    template = "seating/_state.html" if is_fragment(request) else "seating/room.html"
    return render(request, template, context, status=400 if refusal else 200)
