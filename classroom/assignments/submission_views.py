"""The page of one submission: its notebook, its changes since the starter, and its grade."""

from dataclasses import dataclass, field
from typing import Any

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
from classroom.assignments.selectors import next_ungraded
from classroom.assignments.submissions import find_submission, submission_page
from classroom.base.classrooms import Classroom
from classroom.base.decorators import classroom_of
from classroom.base.display import display_of
from classroom.base.form_errors import NoNumber, Problems, number_typed, problems_of
from instructors import audit
from instructors.permissions import account_of
from lms.api.submissions import SubmissionChanges
from lms.grading import Grade, GradedMeanwhile, give_grade, version_token
from lms.models import AssignmentSubmission


@dataclass(kw_only=True)
class GradeForm:
    """The submitted text, unchanged; the version token of the submission that the form showed; and the problems."""

    points: str = ""
    feedback: str = ""
    seen: str = ""
    problems: Problems = field(default_factory=dict)
    conflict: GradedMeanwhile | None = None

    @classmethod
    def of(cls, found: AssignmentSubmission) -> "GradeForm":
        points = "" if found.grade is None else f"{found.grade:.10g}"
        return cls(points=points, feedback=found.feedback or "", seen=version_token(found))

    @classmethod
    def typed(cls, typed: Any) -> "GradeForm":
        feedback = typed.get("feedback", "").replace("\r\n", "\n")
        return cls(points=typed.get("grade", ""), feedback=feedback, seen=typed.get("seen", ""))

    def checked(self, maximum: float | None, *, is_returned: bool) -> Grade | None:
        """Return the grade, validated as the API does and from 0 to `maximum`; None if `problems` is not empty."""
        try:
            data = {"grade": number_typed(self.points), "feedback": self.feedback or None}
        except NoNumber as problem:
            self.problems["grade"] = str(problem) or gettext("Type a number such as 8 or 7.5, or leave it empty.")
            return None
        serializer = SubmissionChanges(data=data, partial=True)
        if not serializer.is_valid():
            self.problems = problems_of(serializer)
            return None
        points: float | None = serializer.validated_data["grade"]
        if points is not None and (points < 0 or (maximum is not None and points > maximum)):
            if maximum is None:
                self.problems["grade"] = gettext("A grade cannot be less than 0.")
            else:
                self.problems["grade"] = gettext("Type a number from 0 to %(most)s.") % {"most": f"{maximum:g}"}
            return None
        return Grade(points=points, feedback=serializer.validated_data["feedback"], is_returned=is_returned)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def submission(request: HttpRequest, class_id: int, submission_id: int) -> HttpResponse:
    """Show a submission, with `?view=changes` compared with its starter. A POST grades it; assistants get a 404."""
    classroom = classroom_of(request, class_id)
    found = find_submission(classroom, submission_id)
    if request.method == "POST":
        return grade(request, classroom, found)
    return show(request, classroom, found, GradeForm.of(found))


def grade(request: HttpRequest, classroom: Classroom, found: AssignmentSubmission) -> HttpResponse:
    """Save a grade and redirect. The POST parameter `then` names the button: save, next or return.

    Show the form again with 422 if the grade is not valid, and with 409 if another user has graded meanwhile.
    """
    if not classroom.may_teach:
        raise Http404
    then, form = request.POST.get("then", "save"), GradeForm.typed(request.POST)
    given = form.checked(found.assignment.points, is_returned=then == "return")
    if given is None:
        return show(request, classroom, found, form, status=422)
    try:
        give_grade(found.pk, given, seen=form.seen, by=account_of(request), request=request)
    except GradedMeanwhile as conflict:
        form.conflict, form.seen = conflict, version_token(conflict.submission)
        return show(request, classroom, find_submission(classroom, found.pk), form, status=409)
    text = gettext("Saved and returned to the student.") if then == "return" else gettext("The grade is saved.")
    messages.success(request, text)
    assert classroom.class_ref is not None
    following = next_ungraded(classroom, assignment_id=found.assignment_id, after=found.pk) if then == "next" else None
    if then == "next" and following is None:
        messages.info(request, gettext("Everything that was handed in is graded."))
        return HttpResponseRedirect(reverse("assignment", args=[classroom.class_ref.pk, found.assignment_id]))
    return HttpResponseRedirect(reverse("submission", args=[classroom.class_ref.pk, following or found.pk]))


def show(
    request: HttpRequest, classroom: Classroom, found: AssignmentSubmission, form: GradeForm, status: int = 200
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
        "is_compared": is_compared,
        "comparison": changes_since_starter(found.pk) if is_compared else None,
    }
    return render(request, "assignments/submission.html", context, status=status)
