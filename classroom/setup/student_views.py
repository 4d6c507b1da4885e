"""The students of a class: the list, removing one, and the list as CSV."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.decorators import class_action, class_page
from classroom.base.display import display_of
from classroom.base.setup_pages import show, taught_classroom
from classroom.setup.members import members, register
from classroom.setup.students import remove
from instructors import audit
from instructors.permissions import account_of
from lms.rosters.parser import write


@class_page
def students(request: HttpRequest, class_id: int) -> HttpResponse:
    classroom, _ = taught_classroom(request, class_id)
    search, order = request.GET.get("q", ""), request.GET.get("sort", "")
    found = members(classroom, search=search, order=order, display=display_of(request))
    return show(request, classroom, "students", members=found)


@class_action
def take_out(request: HttpRequest, class_id: int, student_id: int) -> HttpResponse:
    classroom, found = taught_classroom(request, class_id)
    student = get_object_or_404(classroom.students, pk=student_id)  # with the name that the class uses
    name = display_of(request).name(student.pk, student.display_name)
    remove(found, student_id=student_id, by=account_of(request), request=request)
    words = gettext("%(name)s is no longer in the class. What they did and handed in is kept.")
    messages.success(request, words % {"name": name})
    return redirect("class_students", class_id)


@class_page
def download(request: HttpRequest, class_id: int) -> HttpResponse:
    """Return all students of the class as CSV that can be imported again."""
    classroom, found = taught_classroom(request, class_id)
    rows = register(classroom)
    audit.record("roster_export", found, actor=account_of(request), request=request, details={"students": len(rows)})
    return _file(write(rows), f"class-{class_id}-{timezone.localdate().isoformat()}.csv")


@class_page
def template(request: HttpRequest, class_id: int) -> HttpResponse:
    """Return an empty CSV with its header."""
    taught_classroom(request, class_id)
    return _file(write([]), "students.csv")


def _file(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
