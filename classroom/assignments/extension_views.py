"""The form that extends the due date of an assignment for one student."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from classroom.assignments.fields import LocalDateTimeField, TextField
from classroom.assignments.forms import shown_moment
from classroom.assignments.selectors import find_assignment, name_of
from classroom.base.decorators import classroom_of
from classroom.base.display import display_of
from instructors.permissions import account_of
from lms.due_date_extensions import ExtensionRefused, extend, withdraw
from lms.models import DueDateExtension


class ExtensionForm(forms.Form):
    due_date = LocalDateTimeField(label=_("Extended to"), error_messages={"required": _("Choose a date and time.")})
    reason = TextField(
        label=_("Reason"),
        required=False,
        empty_value=None,
        help_text=_("For the staff of the class. The student is told the new date, not the reason."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def extension(request: HttpRequest, class_id: int, assignment_id: int, student_id: int) -> HttpResponse:
    """Grant, change or withdraw an extension; assistants get a 404. An invalid form is shown again with status 422."""
    classroom = classroom_of(request, class_id)
    if not classroom.may_teach:
        raise Http404
    assignment = find_assignment(classroom, assignment_id)
    student = get_object_or_404(classroom.students, pk=student_id)
    rows = DueDateExtension.objects.select_related("assignment")
    found = rows.filter(assignment=assignment, student=student.pk).first()
    back = HttpResponseRedirect(reverse("assignment", args=[class_id, assignment.pk]))
    name = display_of(request).name(student.pk, name_of(student))
    if request.method == "POST" and request.POST.get("then") == "withdraw":
        if found is not None:
            withdraw(found, by=account_of(request), request=request, now=timezone.now())
        messages.success(request, gettext("%(name)s has the same due date as everybody again.") % {"name": name})
        return back
    initial: dict[str, Any] = {}
    if found is not None:
        initial = {"due_date": shown_moment(found.due_date), "reason": found.reason}
    form = ExtensionForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            extend(
                assignment,
                student.pk,
                until=given["due_date"],
                reason=given["reason"],
                by=account_of(request),
                request=request,
                now=timezone.now(),
            )
        except ExtensionRefused as refused:
            form.add_error("due_date", refused.words())
        else:
            messages.success(request, gettext("%(name)s may hand in later.") % {"name": name})
            return back
    context = {
        "classroom": classroom,
        "now": timezone.now(),
        "assignment": assignment,
        "name": name,
        "form": form,
        "granted": found,
    }
    return render(request, "assignments/extension.html", context, status=422 if form.errors else 200)
