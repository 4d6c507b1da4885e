"""The staff page of a class: inviting, changing roles, removing, leaving, and handing over."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.decorators import class_action, class_page, classroom_of
from classroom.base.setup_pages import show, taught_classroom
from classroom.setup import invitations, staff
from classroom.setup.forms import ROLE_LABELS, InviteForm
from classroom.setup.staff_selectors import staff_of
from core.identity import row_number
from instructors.permissions import account_of
from lms.models import Class


@class_page
def people(request: HttpRequest, class_id: int) -> HttpResponse:
    return _page(request, class_id, InviteForm())


@class_action
def invite(request: HttpRequest, class_id: int) -> HttpResponse:
    """Add an existing account to the class, or create an invitation, whose link only this response shows."""
    _, found = taught_classroom(request, class_id)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, class_id, form)
    email, role, by, now = form.cleaned_data["email"], form.cleaned_data["role"], account_of(request), timezone.now()
    try:
        account = invitations.find_account(email)
    except invitations.AccountInactive:
        form.add_error("email", gettext("This account is switched off. An administrator can switch it on again."))
        return _page(request, class_id, form)
    if account is None:
        token = invitations.invite(found, email=email, role=role, by=by, request=request, now=now)
        link = request.build_absolute_uri(reverse("invitation", args=[token]))
        return _page(request, class_id, InviteForm(), link=link, invited=email)
    if not staff.add(found, account, role=role, by=by, request=request):
        form.add_error("email", gettext("%(name)s is in this class already.") % {"name": account.name})
        return _page(request, class_id, form)
    messages.success(request, gettext("%(name)s is now in the class.") % {"name": account.name})
    return redirect("class_staff", class_id)


@class_action
def change_role(request: HttpRequest, class_id: int, account_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    role = request.POST.get("role", "")
    if role not in staff.ROLES:
        return HttpResponseBadRequest()
    try:
        changed = staff.change_role(found, account_id=account_id, role=role, by=account_of(request), request=request)
    except staff.LastInstructor:
        return _last(request, found)
    label = dict(ROLE_LABELS)[role]
    messages.success(request, gettext("%(name)s is now: %(role)s") % {"name": changed.name, "role": label})
    return redirect("class_staff", class_id) if changed != account_of(request) else redirect("classes")


@class_action
def remove(request: HttpRequest, class_id: int, account_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    try:
        removed = staff.remove(found, account_id=account_id, by=account_of(request), request=request)
    except staff.LastInstructor:
        return _last(request, found)
    messages.success(request, gettext("%(name)s is no longer in the class.") % {"name": removed.name})
    return redirect("class_staff", class_id) if removed != account_of(request) else redirect("classes")


@class_action
def leave(request: HttpRequest, class_id: int) -> HttpResponse:
    """Remove the logged-in account from the class. Assistants may leave too."""
    found = classroom_of(request, class_id).class_ref
    assert found is not None
    account = account_of(request)
    try:
        staff.remove(found, account_id=account.pk, by=account, request=request)
    except staff.LastInstructor:
        return _last(request, found)
    messages.success(request, gettext("You have left %(name)s.") % {"name": found.name})
    return redirect("classes")


@class_action
def hand_over(request: HttpRequest, class_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    account_id = row_number(request.POST.get("account", ""))
    if account_id is None:
        messages.error(request, gettext("Choose who will own the class."))
        return redirect("class_staff", class_id)
    try:
        owner = staff.hand_over(
            found, account_id=account_id, by=account_of(request), request=request, now=timezone.now()
        )
    except staff.NotAllowed:
        messages.error(request, gettext("Only the owner of the class, or an administrator, can hand it over."))
    else:
        messages.success(request, gettext("%(name)s now owns the class.") % {"name": owner.name})
    return redirect("class_staff", class_id)


@class_action
def cancel(request: HttpRequest, class_id: int, invitation_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    invitations.cancel(found, invitation_id=invitation_id, by=account_of(request), request=request, now=timezone.now())
    messages.success(request, gettext("The invitation is cancelled. Its link opens nothing any more."))
    return redirect("class_staff", class_id)


def _last(request: HttpRequest, found: Class) -> HttpResponse:
    words = gettext(
        "Nobody would be left to teach this class. Hand it over, or make somebody else an instructor first."
    )
    messages.error(request, words)
    return redirect("class_staff", found.pk)


def _page(request: HttpRequest, class_id: int, form: InviteForm, *, link: str = "", invited: str = "") -> HttpResponse:
    classroom, found = taught_classroom(request, class_id)
    account = account_of(request)
    return show(
        request,
        classroom,
        "staff",
        form=form,
        link=link,
        invited=invited,
        valid_days=invitations.VALID.days,
        staff=staff_of(found, viewer=account, now=timezone.now()),
        may_hand_over=staff.may_hand_over(found, account),
    )
