"""The page of one submission: its notebook, its changes since the starter, and its grade."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
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
from core.identity import row_number
from instructors import audit
from instructors.permissions import account_of
from lms.comments import TooManyComments, comments_for, keep_comment
from lms.grading import GradedMeanwhile, give_grade, version_token
from lms.models import AssignmentSubmission
from lms.rubrics import rubric_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def submission(request: HttpRequest, class_id: int, submission_id: int) -> HttpResponse:
    """Show a submission, with `?view=changes` compared with its starter. A POST grades it; assistants get a 404."""
    classroom = classroom_of(request, class_id)
    found = find_submission(classroom, submission_id)
    if request.method == "POST":
        return grade(request, classroom, found)
    form = GradeForm(submission=found, items=rubric_of(found.assignment_id))
    if request.GET.get("focus") == "grade":  # after *Next to grade* and *Save and next*
        form.fields["grade"].widget.attrs["autofocus"] = True
    return show(request, classroom, found, form)


def grade(request: HttpRequest, classroom: Classroom, found: AssignmentSubmission) -> HttpResponse:
    """Save a grade and redirect. The POST parameter `then` names the button: save, next or return.

    `propose` and the parameter `insert` save nothing: they show the form again with the proposed score, or with a saved
    comment appended to the feedback, for browsers without scripts.

    Show the form again with 422 if the grade is not valid, and with 409 if another user has graded meanwhile.
    """
    if not classroom.may_teach:
        raise Http404
    items = rubric_of(found.assignment_id)
    then, form = request.POST.get("then", "save"), GradeForm(request.POST, submission=found, items=items)
    if then == "propose" or "insert" in request.POST:
        form.data = filled(request, found, form)
        return show(request, classroom, found, form, is_changed=True)
    if not form.is_valid():
        return show(request, classroom, found, form, status=422)
    given, seen = form.grade_given(is_returned=then == "return"), form.cleaned_data["seen"]
    try:
        give_grade(found.pk, given, seen=seen, by=account_of(request), request=request)
    except GradedMeanwhile as conflict:
        form.data = request.POST.copy()
        form.data["seen"] = version_token(conflict.submission)
        found = find_submission(classroom, found.pk)
        return show(request, classroom, found, form, status=409, conflict=conflict)
    keep_feedback(request, found, text=given.feedback, of=form.cleaned_data["keep"])
    text = gettext("Saved and returned to the student.") if then == "return" else gettext("The grade is saved.")
    messages.success(request, text)
    assert classroom.class_ref is not None
    following = next_ungraded(classroom, assignment_id=found.assignment_id, after=found.pk) if then == "next" else None
    if then == "next" and following is None:
        messages.info(request, gettext("Everything that was handed in is graded."))
        return HttpResponseRedirect(reverse("assignment", args=[classroom.class_ref.pk, found.assignment_id]))
    address = reverse("submission", args=[classroom.class_ref.pk, following or found.pk])
    return HttpResponseRedirect(f"{address}?focus=grade" if following else address)


def filled(request: HttpRequest, found: AssignmentSubmission, form: GradeForm) -> QueryDict:
    """Return the sent form with the proposed score as its grade, or with the chosen comment appended to its
    feedback."""
    sent = request.POST.copy()
    number = row_number(sent.get("insert", ""))
    if number is not None:
        comment = comments_for(found.assignment, account_of(request)).filter(pk=number).first()
        sent["feedback"] = joined(sent.get("feedback", ""), comment.text) if comment else sent.get("feedback", "")
    elif form.proposed is not None:
        sent["grade"] = f"{form.proposed:.10g}"
    return sent


def joined(feedback: str, comment: str) -> str:
    return f"{feedback.rstrip()}\n{comment}" if feedback.strip() else comment


def keep_feedback(request: HttpRequest, found: AssignmentSubmission, *, text: str | None, of: str) -> None:
    """Save the feedback as a comment for later use, if the form asks for it."""
    if not of or not text or not text.strip():
        return
    try:
        keep_comment(text, of=of, assignment=found.assignment, by=account_of(request), request=request)
    except TooManyComments:
        messages.warning(request, gettext("The feedback was not kept: there are too many comments. Delete some first."))


def show(
    request: HttpRequest,
    classroom: Classroom,
    found: AssignmentSubmission,
    form: GradeForm,
    *,
    status: int = 200,
    conflict: GradedMeanwhile | None = None,
    is_changed: bool = False,
) -> HttpResponse:
    page = submission_page(classroom, found, display=display_of(request))
    is_compared = request.GET.get("view") == "changes" and page.has_starter and page.has_content
    audit.record("submission_view", found, actor=account_of(request), request=request)
    context = {
        "classroom": classroom,
        "now": timezone.now(),
        "page": page,
        "form": form,
        "conflict": conflict,
        "is_changed": is_changed or conflict is not None or bool(form.errors),
        "comments": comments_for(found.assignment, account_of(request)) if classroom.may_teach else (),
        "is_compared": is_compared,
        "comparison": changes_since_starter(found.pk) if is_compared else None,
    }
    return render(request, "assignments/submission.html", context, status=status)
