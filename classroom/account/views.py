"""The account page of whoever is logged in: password, language and theme, logins, tokens, keys of the classes."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from rest_framework.exceptions import Throttled

from classroom.account.browsers import browser_of
from classroom.account.selectors import login_entries, open_keys_of
from classroom.base.decorators import class_action, class_page
from classroom.base.js_strings import setup_texts
from instructors import audit, hashing, logins, passwords, tokens
from instructors.forms import OwnPasswordForm
from instructors.permissions import account_of


@class_page
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


@class_action
def change_password(request: HttpRequest) -> HttpResponse:
    """Set a new password. This login stays, under a new key; all others, and every token, end."""
    me, now = account_of(request), timezone.now()
    form = OwnPasswordForm(request.POST, account=me)
    if not form.is_valid():
        return _page(request, form=form)
    try:
        passwords.prove(me, form.cleaned_data["current"], request=request, now=now)
    except passwords.WrongPassword:
        form.add_error("current", gettext("This is not your present password."))
        return _page(request, form=form)
    except Throttled as refusal:
        minutes = max(1, -(-int(getattr(refusal, "wait", None) or 60) // 60))
        words = ngettext(
            "Too many wrong passwords from here. Try again in %(minutes)d minute.",
            "Too many wrong passwords from here. Try again in %(minutes)d minutes.",
            minutes,
        )
        form.add_error("current", words % {"minutes": minutes})
        return _page(request, form=form, status=429)
    chosen = form.cleaned_data["password"]
    with hashing.hash_ahead(chosen), transaction.atomic():
        passwords.store(me, chosen, request=request, now=now)
    update_session_auth_hash(request, me)
    messages.success(request, gettext("Your password is changed. All your other logins have ended."))
    return redirect("account")


@class_action
def end_login(request: HttpRequest, name: str) -> HttpResponse:
    """End one login of this account. Raises Http404 if it has none of that name."""
    if not logins.end(account_of(request), name, request=request, now=timezone.now()):
        raise Http404
    messages.success(request, gettext("That login has ended."))
    return redirect("account")


@class_action
def end_others(request: HttpRequest) -> HttpResponse:
    logins.end_others(account_of(request), request=request, now=timezone.now())
    messages.success(request, gettext("All your other logins and all tokens have ended."))
    return redirect("account")


@class_action
def make_token(request: HttpRequest) -> HttpResponse:
    """Issue a token for the API. Only this response shows it."""
    me, now = account_of(request), timezone.now()
    audit.record("token_create", actor=me, request=request)
    return _page(request, token=tokens.issue(me, now=now))


def _page(
    request: HttpRequest, *, form: OwnPasswordForm | None = None, token: str = "", status: int = 200
) -> HttpResponse:
    me, now = account_of(request), timezone.now()
    context: dict[str, Any] = {
        "now": now,
        "form": form or OwnPasswordForm(account=me),
        "logins": [
            (login, browser_of(login.program))
            for login in logins.logins_of(me, this_key=request.session.session_key, now=now)
        ],
        "setup_texts": setup_texts(),
        "keys": open_keys_of(me, now=now),
        "entries": login_entries(me),
        "token": token,
        "token_minutes": settings.ACCESS_TOKEN_EXPIRE_MINUTES,
        "api": request.build_absolute_uri("/api/v1/auth/me"),
    }
    return render(request, "account/account.html", context, status=status)
