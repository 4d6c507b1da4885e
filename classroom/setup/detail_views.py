"""The pages that create a class and change its details."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.decorators import class_action
from classroom.base.setup_pages import setup_form, show, taught_classroom
from classroom.setup.classes import CodeTaken, change_class, create_class, new_code
from classroom.setup.forms import ClassForm
from classroom.setup.jupyterlab import connection_of
from classroom.setup.members import members
from classroom.setup.staff_selectors import staff_of
from events.intake.class_keys import REMEMBERED
from instructors.permissions import account_of
from lms.access import may_make_classes


@setup_form
def new_class(request: HttpRequest) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    if not may_make_classes(account):
        raise PermissionDenied
    form = ClassForm(request.POST) if request.method == "POST" else ClassForm(initial={"class_code": new_code(now)})
    if form.is_bound and form.is_valid():
        try:
            made = create_class(form.columns(), by=account, request=request)
        except CodeTaken as taken:
            form.add_error("class_code", code_is_taken(taken))
        else:
            messages.success(request, gettext("The class is ready. Connect its JupyterLabs and add its students."))
            return redirect("class_setup", made.pk)
    return render(request, "setup/new_class.html", {"form": form})


@setup_form
def details(request: HttpRequest, class_id: int) -> HttpResponse:
    classroom, found = taught_classroom(request, class_id)
    account, now = account_of(request), timezone.now()
    before = ClassForm.values_of(found)
    form = ClassForm(request.POST) if request.method == "POST" else ClassForm(initial=before)
    if form.is_bound and form.is_valid():
        try:
            is_changed = change_class(found, form.columns(found), by=account, request=request, now=now)
        except CodeTaken as taken:
            form.add_error("class_code", code_is_taken(taken))
        else:
            messages.success(request, gettext("Saved.") if is_changed else gettext("Nothing was changed."))
            return redirect("class_setup", class_id)
    return show(
        request,
        classroom,
        "details",
        form=form,
        remembered=int(REMEMBERED),
        connection=connection_of(found, now=now),
        student_count=members(classroom).count,
        staff=staff_of(found, viewer=account, now=now),
    )


@class_action
def switch(request: HttpRequest, class_id: int) -> HttpResponse:
    """Close the class (`active=0`), or reopen it."""
    _, found = taught_classroom(request, class_id)
    is_active = request.POST.get("active") == "1"
    changes = {"is_active": is_active}
    if change_class(found, changes, by=account_of(request), request=request, now=timezone.now()):
        words = gettext("The class goes on.") if is_active else gettext("The class is over. Nothing was deleted.")
        messages.success(request, words)
    return redirect("class_setup", class_id)


def code_is_taken(taken: CodeTaken) -> str:
    words = gettext("Another class has this code. “%(free)s” is free.")
    return words % {"free": taken.free}
