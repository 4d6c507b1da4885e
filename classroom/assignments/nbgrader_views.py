"""The page of nbgrader: hand-ins as its folders, and its scores as grades."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from classroom.assignments.nbgrader_export import assignment_name, safe_name, submitted_zip
from classroom.assignments.nbgrader_scores import (
    MAX_BYTES,
    UnreadableScores,
    give_scores,
    matches,
    read_scores,
    to_give,
)
from classroom.assignments.rubric_views import taught_assignment
from classroom.base.display import display_of
from instructors import audit
from instructors.permissions import account_of
from lms.models import ClassAssignment

AN_HOUR = 60 * 60  # seconds: how long what was checked may be imported


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def nbgrader(request: HttpRequest, class_id: int, assignment_id: int) -> HttpResponse:
    """Show the page; assistants get a 404. A POST with a file shows what its scores would change; a second one with
    what was checked, which is signed, gives the grades."""
    classroom, found = taught_assignment(request, class_id, assignment_id)
    name = request.POST.get("name", "").strip() or assignment_name(found)
    context: dict[str, Any] = {"classroom": classroom, "now": timezone.now(), "assignment": found, "name": name}
    status = 200
    if request.method == "POST" and "checked" in request.POST:
        if give_checked(request, found):
            return HttpResponseRedirect(reverse("assignment", args=[class_id, found.pk]))
        context["problem"], status = gettext("What was checked is no longer valid. Choose the file again."), 422
    elif request.method == "POST":
        upload = request.FILES.get("scores")
        try:
            if upload is None:
                raise UnreadableScores(gettext("Choose the file that “nbgrader export” wrote."))
            scores = read_scores(upload.read(MAX_BYTES + 1), assignment=name)
        except UnreadableScores as problem:
            context["problem"], status = str(problem), 422
        else:
            rows = matches(classroom, found, scores, display=display_of(request))
            given = to_give(rows)
            context |= {"matches": rows, "changes": len(given), "checked": signed(request, found, given)}
    return render(request, "assignments/nbgrader.html", context, status=status)


@require_safe
@login_required
@never_cache
def submitted(request: HttpRequest, class_id: int, assignment_id: int) -> HttpResponse:
    """Return the hand-ins as a zip of nbgrader's folders; `?name=` is the name of the assignment there."""
    _, found = taught_assignment(request, class_id, assignment_id)
    name = request.GET.get("name", "").strip() or assignment_name(found)
    file, count = submitted_zip(found, name=name)
    audit.record("submissions_export", found, actor=account_of(request), request=request, details={"count": count})
    file_name = f"submitted-{safe_name(name, 'assignment')}.zip"
    response = FileResponse(file, as_attachment=True, filename=file_name, content_type="application/zip")
    return cast(HttpResponse, response)  # the type of a view; both are answers


def _salt(request: HttpRequest, assignment: ClassAssignment) -> str:
    return f"nbgrader scores of {assignment.pk} by {account_of(request).pk}"


def signed(request: HttpRequest, assignment: ClassAssignment, given: Any) -> str:
    return signing.dumps(given, salt=_salt(request, assignment), compress=True)


def give_checked(request: HttpRequest, assignment: ClassAssignment) -> bool:
    """Give the grades that were checked, and say how many. Return False if the signature is not valid."""
    try:
        given = signing.loads(request.POST["checked"], salt=_salt(request, assignment), max_age=AN_HOUR)
    except signing.BadSignature:
        return False
    done, refused = give_scores(assignment, given, by=account_of(request), request=request)
    messages.success(request, gettext("Grades given: %(count)d.") % {"count": done})
    if refused:
        words = gettext("Not given, because somebody graded in the meantime: %(count)d. Check the file again.")
        messages.warning(request, words % {"count": refused})
    return True
