"""The page of one submission: its notebook, its changes since the starter, and its grade."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from classroom.assignments.changes import changes_since_starter
from classroom.assignments.forms import GradeForm
from classroom.assignments.selectors import next_ungraded
from classroom.assignments.submissions import find_submission, submission_page
from classroom.base.classrooms import Classroom
from classroom.base.decorators import classroom_of
from classroom.base.display import display_of
from instructors import audit
from instructors.permissions import account_of
from lms.grading import GradedMeanwhile, give_grade, version_token
from lms.models import AssignmentSubmission


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def submission(request: HttpRequest, class_id: int, submission_id: int) -> HttpResponse:
    """Show a submission, with `?view=changes` compared with its starter. A POST grades it; assistants get a 404."""
    classroom = classroom_of(request, class_id)
    found = find_submission(classroom, submission_id)
    if request.method == "POST":
        return grade(request, classroom, found)
    return show(request, classroom, found, GradeForm(submission=found))


def grade(request: HttpRequest, classroom: Classroom, found: AssignmentSubmission) -> HttpResponse:
    """Save a grade and redirect. The POST parameter `then` names the button: save, next or return.

    Show the form again with 422 if the grade is not valid, and with 409 if another user has graded meanwhile.
    """
    if not classroom.may_teach:
        raise Http404
    then, form = request.POST.get("then", "save"), GradeForm(request.POST, submission=found)
    if not form.is_valid():
        return show(request, classroom, found, form, status=422)
    given, seen = form.grade_given(is_returned=then == "return"), form.cleaned_data["seen"]
    try:
        give_grade(found.pk, given, seen=seen, by=account_of(request), request=request)
    except GradedMeanwhile as conflict:
        form.data = {**request.POST.dict(), "seen": version_token(conflict.submission)}
        found = find_submission(classroom, found.pk)
        return show(request, classroom, found, form, status=409, conflict=conflict)
    text = gettext("Saved and returned to the student.") if then == "return" else gettext("The grade is saved.")
    messages.success(request, text)
    assert classroom.class_ref is not None
    following = next_ungraded(classroom, assignment_id=found.assignment_id, after=found.pk) if then == "next" else None
    if then == "next" and following is None:
        messages.info(request, gettext("Everything that was handed in is graded."))
        return HttpResponseRedirect(reverse("assignment", args=[classroom.class_ref.pk, found.assignment_id]))
    return HttpResponseRedirect(reverse("submission", args=[classroom.class_ref.pk, following or found.pk]))


def show(
    request: HttpRequest,
    classroom: Classroom,
    found: AssignmentSubmission,
    form: GradeForm,
    *,
    status: int = 200,
    conflict: GradedMeanwhile | None = None,
) -> HttpResponse:
    page = submission_page(classroom, found, display=display_of(request))
    is_compared = request.GET.get("view") == "changes" and page.has_starter and page.has_content
    audit.record(
        action="submission_view",
        actor=account_of(request),
        request=request,
        target_type=found._meta.model_name,
        target_id=found.pk,
    )
    context = {
        "classroom": classroom,
        "now": timezone.now(),
        "page": page,
        "form": form,
        "conflict": conflict,
        "is_compared": is_compared,
        "comparison": changes_since_starter(found.pk) if is_compared else None,
    }
    return render(request, "assignments/submission.html", context, status=status)
