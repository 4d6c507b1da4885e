"""Accept an invitation to a class, with an account or by creating one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from classroom.setup.invitations import (
    AccountExists,
    InvitationClosed,
    accept_as,
    accept_as_newcomer,
    invitation_of,
    is_for,
)
from classroom.setup.models import ClassInvitation
from instructors.authentication import log_in_browser
from instructors.forms import NewcomerForm
from instructors.models import Instructor


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show and accept an invitation, without a login. Responds with 410 if the link is no longer valid."""
    now = timezone.now()
    try:
        found = invitation_of(token, now=now)
        if isinstance(request.user, Instructor):
            return _for_account(request, request.user, found, token)
        return _for_newcomer(request, found, token)
    except InvitationClosed:
        return render(request, "setup/invitation_closed.html", status=410)


def _for_account(request: HttpRequest, account: Instructor, found: ClassInvitation, token: str) -> HttpResponse:
    is_mine = is_for(found, account)
    if request.method == "POST" and is_mine:
        joined = accept_as(account, token, request=request, now=timezone.now())
        return redirect("class_live", joined.pk)
    return render(request, "setup/invitation.html", {"invitation": found, "is_mine": is_mine})


def _for_newcomer(request: HttpRequest, found: ClassInvitation, token: str) -> HttpResponse:
    has_account = Instructor.objects.with_email(found.email) is not None
    form = NewcomerForm(request.POST or None, email=found.email)
    if not has_account and form.is_bound and form.is_valid():
        chosen = form.cleaned_data
        try:
            account, joined = accept_as_newcomer(
                token, name=chosen["name"], password=chosen["password"], request=request, now=timezone.now()
            )
        except AccountExists:
            has_account = True
        else:
            log_in_browser(request, account, now=timezone.now())
            return redirect("class_live", joined.pk)
    context = {"invitation": found, "form": form, "has_account": has_account}
    return render(request, "setup/invitation.html", context)
