"""Error clusters: the panel, the page of one cluster, and sending a hint to its students."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import ngettext

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, class_page, classroom_of, is_fragment
from classroom.base.display import cell_number, display_of
from classroom.errors.clusters import MAX_CODES, cells_in, cluster_of, clusters_of
from classroom.errors.services import HintRefused, send_hint
from instructors import audit
from instructors.permissions import account_of


@class_page
def clusters(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Return the panel, for a page that shows it."""
    return _panel(request, classroom_of(request, class_id))


@class_page
def cluster(request: HttpRequest, cell_id: int, digest: str, class_id: int | None = None) -> HttpResponse:
    """Show the students of a cluster and their code. The audit log records the view."""
    return _page(request, classroom_of(request, class_id), cell_id, digest)


@class_action
def hint(request: HttpRequest, cell_id: int, digest: str, class_id: int | None = None) -> HttpResponse:
    classroom = classroom_of(request, class_id)
    cell = get_object_or_404(
        cells_in(classroom).select_related("notebook").only("cell_id", "notebook__path"), pk=cell_id
    )
    text = request.POST.get("suggestion") or request.POST.get("text", "")
    try:
        sent = send_hint(
            classroom,
            cell=cell,
            digest=digest,
            text=text,
            nonce=request.POST.get("nonce", ""),
            by=account_of(request),
            request=request,
            now=timezone.now(),
        )
    except HintRefused as refusal:
        if is_fragment(request):
            return HttpResponse(str(refusal), status=422, content_type="text/plain; charset=utf-8")
        return _page(request, classroom, cell_id, digest, status=422, problem=str(refusal), text=text)
    if is_fragment(request):
        return _panel(request, classroom)
    if not sent.is_repeated:
        words = ngettext("Hint sent to %(count)d student.", "Hint sent to %(count)d students.", sent.students)
        messages.success(request, words % {"count": sent.students})
    return HttpResponseRedirect(f"{classroom.address}cells/errors/{cell_id}/{digest}/")


def _panel(request: HttpRequest, classroom: Classroom) -> HttpResponse:
    now = timezone.now()
    found = clusters_of(classroom, viewer=account_of(request), now=now, display=display_of(request))
    return render(request, "errors/_clusters.html", {"classroom": classroom, "now": now, "clusters": found})


def _page(
    request: HttpRequest, classroom: Classroom, cell_id: int, digest: str, *, status: int = 200, **said: Any
) -> HttpResponse:
    now, viewer = timezone.now(), account_of(request)
    cell, found = cluster_of(
        classroom, cell_id=cell_id, digest=digest, viewer=viewer, now=now, display=display_of(request)
    )  # fmt: skip
    students = [one.student_id for one in found.students] if found else []
    audit.record("cluster_view", cell, actor=viewer, request=request, details={"students": students[:MAX_CODES]})
    context = {
        "classroom": classroom, "now": now, "cell": cell, "number": cell_number(cell.position), "cluster": found,
        "most_codes": MAX_CODES, **said,
    }  # fmt: skip
    return render(request, "errors/cluster.html", context, status=status)
