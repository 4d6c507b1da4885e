"""The pages of a class's notebooks: the list, the history of one, a comparison of two versions, and one version."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from classroom.assignments.changes import NotebookComparison, comparison_of
from classroom.base.decorators import class_page, classroom_of
from classroom.base.display import display_of
from classroom.notebooks.versions import Version, find_notebook, find_version, notebook_list, notebook_page
from classroom.notebooks.views import framed, is_in_frame
from instructors import audit
from instructors.permissions import account_of
from lms.models import AssignmentSubmission, NotebookVersion
from lms.notebooks.render_process import changes

MAX_NOTEBOOKS = 200  # on the page


@class_page
def notebooks(request: HttpRequest, class_id: int) -> HttpResponse:
    classroom = classroom_of(request, class_id)
    context = {"classroom": classroom, "now": timezone.now(), "notebooks": notebook_list(classroom)[:MAX_NOTEBOOKS]}
    return render(request, "notebooks/list.html", context)


@class_page
def notebook(request: HttpRequest, class_id: int, notebook_id: int) -> HttpResponse:
    """Show the history of a notebook. `?old=` and `?new=` name the selected versions."""
    classroom = classroom_of(request, class_id)
    page = notebook_page(classroom, notebook_id, display=display_of(request))
    context = {
        "classroom": classroom,
        "now": timezone.now(),
        "page": page,
        "old": request.GET.get("old", page.old_ref),
        "new": request.GET.get("new", page.new_ref),
    }
    return render(request, "notebooks/notebook.html", context)


@class_page
def compare(request: HttpRequest, class_id: int, notebook_id: int) -> HttpResponse:
    """Compare the versions `?old=` and `?new=`; redirect to the history if one is missing."""
    classroom, display = classroom_of(request, class_id), display_of(request)
    found = find_notebook(classroom, notebook_id)
    refs = [request.GET.get(name, "") for name in ("old", "new")]
    if not all(refs):
        return HttpResponseRedirect(reverse("notebook", args=[class_id, notebook_id]))
    old, new = (find_version(classroom, notebook_id, ref, display=display) for ref in refs)
    for version in {old.entry.ref: old, new.entry.ref: new}.values():
        record_view(request, version)
    context = {
        "classroom": classroom,
        "now": timezone.now(),
        "notebook": found,
        "old": old.entry,
        "new": new.entry,
        "comparison": compared(old, new),
    }
    return render(request, "notebooks/compare.html", context)


def compared(old: Version, new: Version) -> NotebookComparison | None:
    """Compare two versions; return None if the limits were exceeded."""
    cell_changes = changes(old.content, new.content, old_sha256=old.sha256, new_sha256=new.sha256)
    return None if cell_changes is None else comparison_of(cell_changes)


@class_page
def version(request: HttpRequest, class_id: int, notebook_id: int, ref: str) -> HttpResponse:
    """Show a commit or a starter; redirect to the submission's page for a submission."""
    classroom = classroom_of(request, class_id)
    found = find_version(classroom, notebook_id, ref, display=display_of(request))
    if found.entry.submission_id is not None:
        return HttpResponseRedirect(reverse("submission", args=[class_id, found.entry.submission_id]))
    record_view(request, found)
    context = {
        "classroom": classroom,
        "now": timezone.now(),
        "notebook": find_notebook(classroom, notebook_id),
        "entry": found.entry,
    }
    return render(request, "notebooks/version.html", context)


@require_safe
@login_required
@never_cache
@xframe_options_sameorigin
def frame(request: HttpRequest, class_id: int, notebook_id: int, ref: str) -> HttpResponse:
    """Render the notebook for the sandboxed frame (classroom.notebooks.views)."""
    found = find_version(classroom_of(request, class_id), notebook_id, ref, display=display_of(request))
    if not is_in_frame(request):
        record_view(request, found)
    return framed(request, found.content, sha256=found.sha256, title=gettext("The notebook"))


def record_view(request: HttpRequest, version: Version) -> None:
    """Record in the audit log that a version was read. Starters are course material and are not recorded."""
    if version.entry.kind == "starter":
        return
    is_submission = version.entry.submission_id is not None
    audit.record(
        "submission_view" if is_submission else "version_view",
        actor=account_of(request),
        request=request,
        target_type=(AssignmentSubmission if is_submission else NotebookVersion)._meta.model_name,
        target_id=version.entry.ref[1:],
    )
