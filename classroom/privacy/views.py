"""The public privacy page, and a student's own page behind a one-time code."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from rest_framework.exceptions import Throttled

from classroom.privacy import services
from classroom.privacy.access import (
    FAILURES,
    CodesUnavailable,
    begin_session,
    end_session,
    holder_of_session,
    redeem,
    subject_of,
)
from classroom.privacy.copy import write_copy
from classroom.privacy.policy import policy
from classroom.privacy.selectors import own_page
from instructors.lockout import client_of
from instructors.throttles import (
    FAILURE_WINDOW,
    count_failure,
    refuse_after_failures,
    refuse_stranger_after_failures,
)
from lms.credential_holders import StudentTokenHolder

COPIES = 3  # of one student in one class, in five minutes
Act = Callable[[HttpRequest, StudentTokenHolder], HttpResponseBase]


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Say what is stored, why, for whom and how long. Without a login."""
    return render(request, "privacy/privacy.html", {"policy": policy()})


@require_safe
@never_cache
def me(request: HttpRequest) -> HttpResponse:
    """Show the student's own page, or the form for the code that leads to it."""
    holder = holder_of_session(request)
    if holder is None:
        return render(request, "privacy/code.html")
    return _page(request, holder)


@require_POST
@never_cache
def open_page(request: HttpRequest) -> HttpResponse:
    """Exchange a code for a session. A wrong code: the form again, status 422; too many: 429; no Redis: 503."""
    client, typed = client_of(request), request.POST.get("code", "")
    try:
        meant = subject_of(typed)
        target = meant.class_id if meant else None
        refuse_stranger_after_failures(FAILURES, client, target=target, limit=settings.CLASS_CODE_FAILURES)
        subject = redeem(typed)
    except Throttled:
        return _refuse(request, gettext("Too many wrong codes. Wait a few minutes and try again."), status=429)
    except CodesUnavailable:
        return _refuse(request, gettext("Codes cannot be checked at the moment. Try again soon."), status=503)
    if subject is None:
        count_failure(FAILURES, client)
        wrong = gettext("This code is unknown, was used already, or is older than 15 minutes. Ask for a new one.")
        return _refuse(request, wrong, status=422)
    response = HttpResponseRedirect(reverse("own_page"))
    begin_session(response, subject)
    holder = StudentTokenHolder(subject.token_id or 0, subject.student_id, subject.class_id, is_confirmed=True)
    services.record("own_page_open", holder, request=request)
    return response


def of_student(act: Act) -> Callable[[HttpRequest], HttpResponseBase]:
    """Decorate an action of the own page: POST only; without a session, back to the form for the code."""

    @wraps(act)
    @require_POST
    @never_cache
    def view(request: HttpRequest) -> HttpResponseBase:
        holder = holder_of_session(request)
        return HttpResponseRedirect(reverse("own_page")) if holder is None else act(request, holder)

    return view


@of_student
def take_along(request: HttpRequest, holder: StudentTokenHolder) -> HttpResponseBase:
    """Send the copy of what is stored as a zip; it reads everything, so after COPIES in five minutes: 429."""
    whose = f"{holder.student_id}-{holder.class_id}"
    try:
        refuse_after_failures("own_copy", whose, limit=COPIES)
    except Throttled as refusal:
        sentence = gettext("You have downloaded your data several times just now. Wait a few minutes and try again.")
        response = _page(request, holder, error=sentence, status=429)
        response.headers["Retry-After"] = str(int(getattr(refusal, "wait", None) or FAILURE_WINDOW))
        return response
    count_failure("own_copy", whose)
    services.record("own_page_export", holder, request=request)
    file = write_copy(holder, now=timezone.now())
    return FileResponse(file, as_attachment=True, filename="cell-monitor-my-data.zip")


@of_student
def ask_for_erasure(request: HttpRequest, holder: StudentTokenHolder) -> HttpResponse:
    text = request.POST.get("text", "").replace("\0", "").strip()
    if services.ask_for_erasure(holder, text=text, request=request, now=timezone.now()):
        messages.success(request, gettext("Your request has arrived. Your teachers see it."))
    else:
        messages.info(request, gettext("You already have an open request."))
    return HttpResponseRedirect(reverse("own_page"))


@of_student
def withdraw(request: HttpRequest, holder: StudentTokenHolder) -> HttpResponse:
    if services.withdraw(holder, request=request, now=timezone.now()):
        messages.success(request, gettext("Your request is withdrawn. Nothing was deleted."))
    return HttpResponseRedirect(reverse("own_page"))


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End the session of the own page."""
    response = HttpResponseRedirect(reverse("own_page"))
    end_session(response)
    return response


def _page(request: HttpRequest, holder: StudentTokenHolder, *, error: str = "", status: int = 200) -> HttpResponse:
    context = {"page": own_page(holder), "now": timezone.now(), "policy": policy(), "error": error}
    return render(request, "privacy/me.html", context, status=status)


def _refuse(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    return render(request, "privacy/code.html", {"error": sentence}, status=status)
