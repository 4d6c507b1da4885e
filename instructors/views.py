"""Login and logout pages, with lockout and audit log."""

from math import ceil
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from instructors import audit, first_account, hashing, lockout
from instructors.authentication import log_in
from instructors.models import Instructor
from instructors.permissions import LoginForm, account_of
from instructors.sessions import note_client
from instructors.status import Status, announce_status, change_status


class Login(LoginView):
    authentication_form = LoginForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Say how to make an account while there is none, instead of refusing every password. One query."""
        if first_account.is_missing():
            return render(request, "registration/no_account.html")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        hashing.refuse_when_full()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        note_client(self.request)
        account = log_in(account_of(self.request), now=timezone.now())
        audit.record("login", actor=account, request=self.request)
        announce_status(account)
        lockout.remember_browser(response, email=account.get_username())
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Record the failure. A locked-out attempt is not one; `locked_out` answers it."""
        if not getattr(self.request, "axes_locked_out", False):
            audit.record(
                "login_failed",
                actor=None,
                request=self.request,
                target_type="instructor",
                target_id=form.data.get("username", ""),
                outcome=audit.Outcome.FAILURE,
            )
        return super().form_invalid(form)


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: Any) -> HttpResponse:
    """Render the login page with the time to wait, status 429. The middleware of django-axes calls it."""
    email = request.POST.get("username", "")
    wait = max(1, lockout.seconds_left(request, email=email, now=timezone.now()))
    context = {
        "form": LoginForm(request, initial={"username": email}),
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "minutes": ceil(wait / 60),
    }
    rendered = render(request, "registration/login.html", context, status=429)
    rendered["Retry-After"] = str(wait)
    return rendered


def admin_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login page, the only one with lockout and audit log. Raises Http404 for an account that is logged
    in and no admin."""
    if request.user.is_authenticated:
        if not account_of(request).is_admin:
            raise Http404
        return HttpResponseRedirect(reverse("admin:index"))
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


class Logout(LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> TemplateResponse:
        if isinstance(request.user, Instructor):
            account = change_status(instructor_id=request.user.pk, status=Status.OFFLINE, now=timezone.now())
            audit.record("logout", actor=account, request=request)
            announce_status(account)
        response: TemplateResponse = super().post(request, *args, **kwargs)  # type: ignore[assignment]
        return response
