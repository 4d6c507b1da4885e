"""The attention board as a fragment of the live page, and the actions on it."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from classroom.attention.precision import MIN_VISITS, Visits, asked_in, precision_of
from classroom.attention.presentation import board_of
from classroom.attention.reason_texts import asked_in_words, visits_in_words
from classroom.attention.selectors import attention_state
from classroom.attention.services import ACTS, Act, ActionRefused, perform, sync_cases
from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, class_page, classroom_of, is_fragment
from classroom.base.display import display_of
from instructors.permissions import account_of


@class_page
def attention(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Return both lists, for a page on which something has changed. Cases are recorded for new alerts."""
    return _fragment(request, classroom_of(request, class_id))


@class_action
def act(request: HttpRequest, student_id: int, class_id: int | None = None) -> HttpResponse:
    """Perform the action `act` on a student and redirect to `next`. A script gets the lists instead, with status 409 if
    another instructor was faster."""
    classroom = classroom_of(request, class_id)
    student = get_object_or_404(classroom.students, pk=student_id)
    chosen = request.POST.get("act", "")
    if chosen not in ACTS:
        return HttpResponseBadRequest()
    student_name, status = display_of(request).name(student.pk, student.display_name), 200
    try:
        message = perform(
            classroom,
            student,
            cast(Act, chosen),
            by=account_of(request),
            request=request,
            student_name=student_name,
            now=timezone.now(),
        )
    except ActionRefused as refusal:
        message, status = str(refusal), 409
    if is_fragment(request):
        return _fragment(request, classroom, message=message, status=status)
    (messages.success if status == 200 else messages.warning)(request, message)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(back if is_ours else f"{classroom.address}#attention")


def attention_context(request: HttpRequest, classroom: Classroom, *, is_recorded: bool) -> dict[str, Any]:
    """Return the template context. At most seven queries, with `is_recorded` three more if alerts changed."""
    now = timezone.now()
    state = attention_state(classroom, now=now)
    if is_recorded:
        sync_cases(classroom, state, now=now)
    board = board_of(classroom, state, user=account_of(request), now=now, display=display_of(request))
    class_id = classroom.class_id
    precision = precision_of(class_id, viewer=account_of(request))
    asked = asked_in(class_id, scope=classroom.scope, now=now)
    return {
        "classroom": classroom,
        "now": now,
        "board": board,
        "visits_here": _in_words(precision.in_class),
        "asked_here": asked_in_words(asked.requests, asked.missed) if asked.requests else "",
        "visits_overall": _in_words(precision.overall) if precision.overall != precision.in_class else "",
    }


def _fragment(request: HttpRequest, classroom: Classroom, *, message: str = "", status: int = 200) -> HttpResponse:
    context = attention_context(request, classroom, is_recorded=True) | {"said": message}
    return render(request, "attention/_attention.html", context, status=status)


def _in_words(visits: Visits) -> str:
    return visits_in_words(visits.worth_it, visits.visits, minimum=MIN_VISITS) if visits.visits else ""
