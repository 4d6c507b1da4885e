"""Password reset: a link that an administrator creates, or that is mailed to the account."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import Throttled

from classroom.account.mail import mail_link
from classroom.account.selectors import accounts
from classroom.base.decorators import class_action, class_page
from classroom.base.js_strings import setup_texts
from core.identity import email_key
from instructors import hashing, password_links, throttles
from instructors.authentication import log_in_browser
from instructors.forms import ForgottenForm, ResetPasswordForm
from instructors.link_pages import too_many, wrong_link
from instructors.lockout import client_of
from instructors.models import Instructor
from instructors.permissions import account_of

FAILURES, ASKED = "password_link", "password_asked"
MAX_ASKED = 5  # mails to one address in five minutes


@class_page
def all_accounts(request: HttpRequest) -> HttpResponse:
    """Show the accounts to an administrator. Raises Http404 for anybody else."""
    return _accounts(request)


@class_action
def make_link(request: HttpRequest, account_id: int) -> HttpResponse:
    """Make a link for an account that is switched on. Only this response shows it."""
    by = account_of(request)
    if not by.is_admin:
        raise Http404
    owner = get_object_or_404(Instructor, pk=account_id, is_active=True)
    password_links.record(owner, by=by, request=request, how="administrator")
    return _accounts(request, owner=owner, link=password_links.link(owner, base=_base(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """Say what to do; where mail is set up, send a link. The answer does not tell which addresses have an account."""
    if not settings.EMAIL_HOST:
        return render(request, "account/forgotten.html")
    form = ForgottenForm(request.POST or None)
    if not (form.is_bound and form.is_valid()):
        return render(request, "account/forgotten.html", {"form": form})
    address = form.cleaned_data["email"]
    try:
        for counted, limit in ((client_of(request), settings.CLASS_CODE_FAILURES), (email_key(address), MAX_ASKED)):
            throttles.refuse_after_failures(ASKED, counted, limit=limit)
            throttles.count_failure(ASKED, counted)
    except Throttled as refusal:
        return too_many(request, refusal)
    mail_link(address, base=_base(request), request=request)
    return render(request, "account/forgotten.html", {"sent_to": address})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def choose_password(request: HttpRequest, token: str) -> HttpResponse:
    """Show and take the form of a new password, without a login. 410 for a link that is no longer open, 429 after too
    many of those from one address: others who share it open theirs all the same, which nobody guesses."""
    try:
        account = password_links.account_of(token)
        form = ResetPasswordForm(request.POST or None, account=account)
        if not (form.is_bound and form.is_valid()):
            return render(request, "account/choose_password.html", {"form": form, "account": account})
        hashing.refuse_when_full()
        now = timezone.now()
        account = password_links.use(token, password=form.cleaned_data["password"], request=request, now=now)
    except Throttled as refusal:
        return too_many(request, refusal)
    except password_links.LinkClosed:
        return wrong_link(request, "account/link_closed.html", status=410, kind=FAILURES)
    log_in_browser(request, account, now=now)
    return redirect("classes")


def _accounts(request: HttpRequest, *, owner: Instructor | None = None, link: str = "") -> HttpResponse:
    if not account_of(request).is_admin:
        raise Http404
    context: dict[str, Any] = {"accounts": accounts(), "owner": owner, "link": link, "now": timezone.now()}
    context["setup_texts"] = setup_texts()
    return render(request, "account/accounts.html", context)


def _base(request: HttpRequest) -> str:
    return request.build_absolute_uri("/")
