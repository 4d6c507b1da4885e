"""Coming in and going out: the login page, counted and told to the audit log."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from instructors import audit, limits
from instructors.auth import LoginForm, account_of
from instructors.logins import log_in
from instructors.models import Instructor
from instructors.origin import address_of
from instructors.status import Status, announce_status, change_status


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
