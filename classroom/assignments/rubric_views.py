"""The page on which the teachers of a class edit the rubric of an assignment and its saved comments."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from classroom.assignments.rubric_forms import RubricForms, rubric_forms
from classroom.assignments.selectors import find_assignment
from classroom.assignments.services import save_rubric
from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, classroom_of
from core.identity import row_number
from instructors.permissions import account_of
from lms.comments import OF_ASSIGNMENT, OF_TEACHER, TooManyComments, comments_for, delete_comment, keep_comment
from lms.models import ClassAssignment
from lms.rubrics import rubric_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def rubric(request: HttpRequest, class_id: int, assignment_id: int) -> HttpResponse:
    """Show or save the rubric; assistants get a 404. An invalid form is shown again with status 422."""
    classroom, found = taught_assignment(request, class_id, assignment_id)
    items = rubric_of(found.pk)
    if request.method == "POST":
        forms = rubric_forms(items, request.POST)
        if forms.is_valid():
            save_rubric(found, forms.items(), removed=forms.removed(), by=account_of(request), request=request)
            messages.success(request, gettext("The rubric is saved."))
            return HttpResponseRedirect(reverse("assignment_rubric", args=[class_id, found.pk]))
        return show(request, classroom, found, forms, status=422)
    return show(request, classroom, found, rubric_forms(items))


@class_action
def comments(request: HttpRequest, class_id: int, assignment_id: int) -> HttpResponse:
    """Add a comment (`text`, `of`), or with `delete` delete one. Redirect to the page of the rubric."""
    classroom, found = taught_assignment(request, class_id, assignment_id)
    account = account_of(request)
    if "delete" in request.POST:
        number = row_number(request.POST["delete"])
        comment = get_object_or_404(comments_for(found, account), pk=number)
        delete_comment(comment, by=account, request=request)
        messages.success(request, gettext("The comment is deleted."))
        return HttpResponseRedirect(reverse("assignment_rubric", args=[class_id, found.pk]))
    text = request.POST.get("text", "").replace("\r\n", "\n").replace("\0", "")
    of = OF_TEACHER if request.POST.get("of") == OF_TEACHER else OF_ASSIGNMENT
    if not text.strip():
        return show(request, classroom, found, problem=gettext("Write the comment first."), status=422)
    try:
        keep_comment(text, of=of, assignment=found, by=account, request=request)
    except TooManyComments:
        words = gettext("There are too many comments. Delete some first.")
        return show(request, classroom, found, problem=words, typed=text, status=422)
    messages.success(request, gettext("The comment is kept."))
    return HttpResponseRedirect(reverse("assignment_rubric", args=[class_id, found.pk]))


def taught_assignment(request: HttpRequest, class_id: int, assignment_id: int) -> tuple[Classroom, ClassAssignment]:
    """Return the classroom and its assignment; raise Http404 for assistants."""
    classroom = classroom_of(request, class_id)
    if not classroom.may_teach:
        raise Http404
    return classroom, find_assignment(classroom, assignment_id)


def show(
    request: HttpRequest,
    classroom: Classroom,
    assignment: ClassAssignment,
    forms: RubricForms | None = None,
    *,
    problem: str = "",
    typed: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "classroom": classroom,
        "now": timezone.now(),
        "assignment": assignment,
        "forms": rubric_forms(rubric_of(assignment.pk)) if forms is None else forms,
        "comments": comments_for(assignment, account_of(request)),
        "problem": problem,
        "typed": typed,
    }
    return render(request, "assignments/rubric.html", context, status=status)
