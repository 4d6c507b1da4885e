"""The page that copies an assignment, into the same class or another one of the teacher."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from classroom.assignments.rubric_views import taught_assignment
from classroom.assignments.services import copy_assignment
from classroom.base.copy_fields import DaysField, IntoClassForm
from instructors.permissions import account_of
from lms.copies import ImplausibleDate


class CopyForm(IntoClassForm):
    days = DaysField()


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def copy(request: HttpRequest, class_id: int, assignment_id: int) -> HttpResponse:
    """Copy the assignment and go to the copy; assistants get a 404. An invalid form is shown again with status 422."""
    classroom, found = taught_assignment(request, class_id, assignment_id)
    account, now = account_of(request), timezone.now()
    form = CopyForm(*([request.POST] if request.method == "POST" else []), teacher=account)
    form.fields["to"].initial = class_id
    if form.is_bound and form.is_valid():
        to, days = form.cleaned_data["to"], form.cleaned_data["days"]
        try:
            made = copy_assignment(found, to=to, days=days, by=account, request=request, now=now)
        except ImplausibleDate:
            form.add_error("days", gettext("With this many days, a date would fall in an implausible year."))
        else:
            messages.success(request, gettext("This is the copy. Look at its dates."))
            return HttpResponseRedirect(reverse("assignment_edit", args=[to.pk, made.pk]))
    context = {"classroom": classroom, "now": now, "assignment": found, "form": form}
    return render(request, "assignments/copy.html", context, status=422 if form.errors else 200)
