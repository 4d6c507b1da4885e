"""The live page of a class, or of all students."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.attention.claims import claims_of
from classroom.attention.views import attention_context
from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_page, classroom_of
from classroom.base.display import display_of
from classroom.base.student_filters import Filter, requested_students
from classroom.live.selectors import failing_said, is_unconnected, live_state
from events.student_status import ACTIVE_WINDOW, ERROR_WINDOW


@class_page
def class_live(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    classroom = classroom_of(request, class_id)
    # A page view changes nothing: cases are recorded when the page's script requests the lists.
    context = attention_context(request, classroom, is_recorded=False) | _state(request, classroom)
    is_used = any(card.last_activity for card in context["state"].cards)
    context |= {
        "claims": context["board"].claims,
        "is_unconnected": not is_used and is_unconnected(classroom, now=context["now"]),
        "failing_said": failing_said(context["state"], known=context["board"].known),
        "clusters": None,  # requested by the page's script, so that the page does not wait for them
        "active_seconds": int(ACTIVE_WINDOW.total_seconds()),
        "error_seconds": int(ERROR_WINDOW.total_seconds()),
    }
    return render(request, "live/live.html", context)


@class_page
def cards(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Return the cards again, for a page that has missed messages: all, or those of `?student=`."""
    asked = request.GET.getlist("student")
    classroom = classroom_of(request, class_id)
    context = _state(request, classroom, only=requested_students(request.GET) if asked else None)
    claims = claims_of((card.student_id for card in context["state"].cards), scope=classroom.scope, now=context["now"])
    context["claims"] = {student: claim.by for student, claim in claims.items()}
    return render(request, "live/_cards.html" if asked else "live/_state.html", context)


def _state(request: HttpRequest, classroom: Classroom, *, only: list[int] | None = None) -> dict[str, Any]:
    now = timezone.now()
    state = live_state(classroom, chosen=Filter.of(request.GET), now=now, only=only, display=display_of(request))
    return {"classroom": classroom, "now": now, "state": state}
