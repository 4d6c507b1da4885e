"""The pages: each view knows the account, reads the address, asks one question and paints the answer."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from events.standing import ACTIVE_WINDOW, ERROR_WINDOW
from instructors import audit, limits
from instructors.auth import LoginForm, account_of
from instructors.logins import log_in
from instructors.models import Instructor
from instructors.origin import address_of
from instructors.queries.classes import overview
from instructors.queries.classroom import Room, class_room, everybody_room, state_of
from instructors.queries.filters import Filter
from instructors.queries.student import LONGEST_TEXT, student_page
from instructors.status import Status, announce_status, change_status
from instructors.texts import live_texts

# More unknown students than this and the page asks for everybody at once.
MOST_ASKED = 50
LARGEST_ID = 2**63 - 1


class Login(LoginView):
    authentication_form = LoginForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Counted before it is judged, with the logins of programs."""
        try:
            limits.count_login(address=address_of(request), email=request.POST.get("username", ""))
        except limits.TooManyRequests as refusal:
            context = self.get_context_data(form=LoginForm(request), is_refused=True)
            answer = self.render_to_response(context, status=429)
            answer["Retry-After"] = str(refusal.wait)
            return answer
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        limits.forgive_login(address=address_of(self.request), email=form.cleaned_data["username"])
        answer = super().form_valid(form)
        account = log_in(account_of(self.request), now=timezone.now())
        audit.record(action="login", actor=account, request=self.request)
        announce_status(account)
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        email = form.data.get("username", "")
        audit.record(
            action="login_failed",
            actor=None,
            request=self.request,
            target_type="instructor",
            target_id=email,
            outcome=audit.Outcome.FAILURE,
        )
        return super().form_invalid(form)


class Logout(LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> TemplateResponse:
        if isinstance(request.user, Instructor):
            account = change_status(instructor_id=request.user.pk, status=Status.OFFLINE, now=timezone.now())
            audit.record(action="logout", actor=account, request=request)
            announce_status(account)
        answer: TemplateResponse = super().post(request, *args, **kwargs)  # type: ignore[assignment]
        return answer


@require_safe
def root(request: HttpRequest) -> HttpResponseBase:
    """The welcome of the API to a program that asks for JSON; my classes to people."""
    accepted = (kind.partition(";")[0].strip() for kind in request.headers.get("Accept", "").lower().split(","))
    if "application/json" in accepted:
        answer: HttpResponseBase = JsonResponse({"message": f"Welcome to {settings.PROJECT_NAME}"})
    else:
        answer = classes(request)
    patch_vary_headers(answer, ["Accept"])
    return answer


@login_required
@never_cache
def classes(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    return render(request, "classes.html", {"overview": overview(user=account_of(request), now=now)})


@require_safe
@login_required
@never_cache
def class_live(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    context = _state(request, _room(request, class_id))
    context |= {
        "active_seconds": int(ACTIVE_WINDOW.total_seconds()),
        "error_seconds": int(ERROR_WINDOW.total_seconds()),
        "texts": live_texts(),
    }
    return render(request, "classroom/live.html", context)


@require_safe
@login_required
@never_cache
def cards(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """The same cards again, for a page that has missed something: all, or those of `?student=`."""
    asked = request.GET.getlist("student")
    only = [int(text) for text in asked[:MOST_ASKED] if text.isdecimal() and int(text) <= LARGEST_ID]
    context = _state(request, _room(request, class_id), only=only if asked else None)
    return render(request, "classroom/_cards.html" if asked else "classroom/_state.html", context)


@require_safe
@login_required
@never_cache
def student(request: HttpRequest, student_id: int, class_id: int | None = None) -> HttpResponse:
    text = request.GET.get("before", "")
    before = int(text) if text.isdecimal() and int(text) <= LARGEST_ID else None
    now, room = timezone.now(), _room(request, class_id)
    page = student_page(room, student_id=student_id, before=before, now=now)
    context = {"room": room, "now": now, "page": page, "before": before, "longest_text": LONGEST_TEXT}
    return render(request, "students/student.html", context)


def _room(request: HttpRequest, class_id: int | None) -> Room:
    user = account_of(request)
    return everybody_room(user=user) if class_id is None else class_room(user=user, class_id=class_id)


def _state(request: HttpRequest, room: Room, *, only: list[int] | None = None) -> dict[str, Any]:
    now = timezone.now()
    state = state_of(room, chosen=Filter.of(request.GET), now=now, only=only)
    return {"room": room, "now": now, "state": state}
