"""Who needs attention now and who asks for help: the fragment of the live page, and what instructors do about it."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from classroom.attention.board import board_of
from classroom.attention.precision import LEAST_VISITS, Visits, precision_of
from classroom.attention.reason_texts import visits_in_words
from classroom.attention.selectors import attention_state
from classroom.attention.services import ACTS, Act, Refused, perform, sync_cases
from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, class_page, classroom_of, is_fragment
from classroom.base.display import display_of
from instructors.permissions import account_of


@class_page
def attention(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Both lists again, for a page on which something has changed. What is shown for the first time is kept."""
    return _fragment(request, classroom_of(request, class_id))


@class_action
def act(request: HttpRequest, student_id: int, class_id: int | None = None) -> HttpResponse:
    """One act on one student (`act`), then back to the page (`next`); a script gets the lists instead, and 409 where
    somebody else was faster."""
    classroom = classroom_of(request, class_id)
    student = get_object_or_404(classroom.students, pk=student_id)
    chosen = request.POST.get("act", "")
    if chosen not in ACTS:
        return HttpResponseBadRequest()
    called, status = display_of(request).name(student.pk, student.display_name), 200
    try:
        said = perform(
            classroom,
            student,
            cast(Act, chosen),
            by=account_of(request),
            request=request,
            called=called,
            now=timezone.now(),
        )
    except Refused as refusal:
        said, status = str(refusal), 409
    if is_fragment(request):
        return _fragment(request, classroom, said=said, status=status)
    (messages.success if status == 200 else messages.warning)(request, said)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(back if is_ours else f"{classroom.address}#attention")


def attention_context(request: HttpRequest, classroom: Classroom, *, is_recorded: bool) -> dict[str, Any]:
    """Six queries at most; where `is_recorded`, two more when what is shown has changed."""
    now = timezone.now()
    situation = attention_state(classroom, now=now)
    if is_recorded:
        sync_cases(classroom, situation, now=now)
    board = board_of(classroom, situation, user=account_of(request), now=now, display=display_of(request))
    precision = precision_of(classroom.class_ref.pk if classroom.class_ref else None, viewer=account_of(request))
    return {
        "classroom": classroom,
        "now": now,
        "board": board,
        "visits_here": _in_words(precision.here),
        "visits_overall": _in_words(precision.overall) if precision.overall != precision.here else "",
    }


def _fragment(request: HttpRequest, classroom: Classroom, *, said: str = "", status: int = 200) -> HttpResponse:
    context = attention_context(request, classroom, is_recorded=True) | {"said": said}
    return render(request, "attention/_attention.html", context, status=status)


def _in_words(visits: Visits) -> str:
    return visits_in_words(visits.worth_it, visits.visits, least=LEAST_VISITS) if visits.visits else ""
