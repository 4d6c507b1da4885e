"""The pages of a class's assignments: the list, the form, the submissions of one assignment, and the grades as CSV."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from classroom.assignments.forms import AssignmentForm
from classroom.assignments.grades_csv import grades_csv
from classroom.assignments.selectors import (
    assignment_list,
    assignment_page,
    find_assignment,
    next_ungraded,
    notebook_paths,
)
from classroom.assignments.services import save_assignment
from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_page, classroom_of
from classroom.base.display import display_of
from core.identity import row_number
from instructors import audit
from instructors.permissions import account_of
from lms.models import AssignmentStarter


def _taught_classroom(request: HttpRequest, class_id: int) -> Classroom:
    """Return the classroom; raise Http404 for assistants, who may not edit assignments."""
    classroom = classroom_of(request, class_id)
    if not classroom.may_teach:
        raise Http404
    return classroom


@class_page
def assignments(request: HttpRequest, class_id: int) -> HttpResponse:
    classroom = classroom_of(request, class_id)
    context = {"classroom": classroom, "now": timezone.now(), "assignments": assignment_list(classroom)}
    return render(request, "assignments/list.html", context)


@class_page
def assignment(request: HttpRequest, class_id: int, assignment_id: int) -> HttpResponse:
    """Show the students of an assignment. `?show=` filters: ungraded, late or missing."""
    now, classroom = timezone.now(), classroom_of(request, class_id)
    chosen, display = request.GET.get("show", ""), display_of(request)
    page = assignment_page(classroom, assignment_id=assignment_id, chosen=chosen, now=now, display=display)
    return render(request, "assignments/assignment.html", {"classroom": classroom, "now": now, "page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit(request: HttpRequest, class_id: int, assignment_id: int | None = None) -> HttpResponse:
    """Create or change an assignment. An invalid form is shown again with its problems and status 422."""
    classroom = _taught_classroom(request, class_id)
    found = None if assignment_id is None else find_assignment(classroom, assignment_id)
    if request.method == "POST":
        form = AssignmentForm(request.POST, request.FILES, assignment=found)
        if form.is_valid():
            assert classroom.class_ref is not None
            saved = save_assignment(form, class_ref=classroom.class_ref, by=account_of(request), request=request)
            messages.success(request, gettext("The assignment is saved."))
            for note in form.notes:
                messages.info(request, note)
            return HttpResponseRedirect(reverse("assignment", args=[class_id, saved.pk]))
    else:
        form = AssignmentForm(assignment=found)
    context = {
        "classroom": classroom,
        "now": timezone.now(),
        "assignment": found,
        "form": form,
        "paths": notebook_paths(account_of(request)),
        "starter": AssignmentStarter.objects.filter(assignment=found).defer("content").first() if found else None,
    }
    return render(request, "assignments/edit.html", context, status=422 if form.errors else 200)


@class_page
def next_to_grade(request: HttpRequest, class_id: int, assignment_id: int) -> HttpResponse:
    """Redirect to the next ungraded submission after `?after=`, ready for its grade; else to the assignment."""
    classroom = classroom_of(request, class_id)
    find_assignment(classroom, assignment_id)
    after = row_number(request.GET.get("after", ""))
    found = next_ungraded(classroom, assignment_id=assignment_id, after=after)
    if found is None:
        messages.info(request, gettext("Everything that was handed in is graded."))
        return HttpResponseRedirect(reverse("assignment", args=[class_id, assignment_id]))
    return HttpResponseRedirect(reverse("submission", args=[class_id, found]) + "?focus=grade")


@class_page
def grades(request: HttpRequest, class_id: int, assignment_id: int) -> HttpResponse:
    """Return all grades of an assignment as CSV; with `?decimal=comma` for spreadsheets that use decimal commas."""
    now, classroom = timezone.now(), classroom_of(request, class_id)
    found = find_assignment(classroom, assignment_id)
    table = grades_csv(classroom, found, now=now, decimal_comma=request.GET.get("decimal") == "comma")
    response = HttpResponse(table, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="grades-{found.pk}.csv"'
    audit.record("grades_export", found, actor=account_of(request), request=request)
    return response
