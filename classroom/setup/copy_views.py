"""The page that copies a class for the next year: its settings and assignments, and no people."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from classroom.base.copy_fields import DaysField
from classroom.base.setup_pages import setup_form, show, taught_classroom
from classroom.setup.classes import CODE_LENGTH, CodeTaken, copy_class, new_code
from classroom.setup.detail_views import code_is_taken
from core.validators import validate_visible
from instructors.permissions import account_of
from lms.access import may_make_classes
from lms.copies import ImplausibleDate


class CopyForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=255, validators=[validate_visible])
    class_code = forms.CharField(
        label=_("Code"),
        max_length=CODE_LENGTH,
        validators=[validate_visible],
        help_text=_("Short and unique, like 2026-PY1. You may keep ours."),
    )
    days = DaysField()


@setup_form
def copy(request: HttpRequest, class_id: int) -> HttpResponse:
    """Copy the class and go to the set-up of the copy."""
    classroom, found = taught_classroom(request, class_id)
    account, now = account_of(request), timezone.now()
    if not may_make_classes(account):
        raise PermissionDenied
    if request.method == "POST":
        form = CopyForm(request.POST)
    else:
        form = CopyForm(initial={"name": found.name, "class_code": new_code(now)})
    if form.is_bound and form.is_valid():
        try:
            made = copy_class(found, **form.cleaned_data, by=account, request=request, now=now)
        except CodeTaken as taken:
            form.add_error("class_code", code_is_taken(taken))
        except ImplausibleDate:
            form.add_error("days", gettext("With this many days, a date would fall in an implausible year."))
        else:
            messages.success(request, gettext("This is the copy. Connect its JupyterLabs and add its students."))
            return redirect("class_setup", made.pk)
    return show(request, classroom, "copy", form=form, assignments=found.assignments.count())
