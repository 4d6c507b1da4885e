"""The gradebook of a class, as a page and as CSV."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.assignments.gradebook import gradebook
from classroom.assignments.gradebook_csv import gradebook_csv
from classroom.base.decorators import class_page, classroom_of
from classroom.base.display import display_of
from core import replica
from instructors import audit
from instructors.permissions import account_of


@class_page
def page(request: HttpRequest, class_id: int) -> HttpResponse:
    """Show the gradebook, by name or with `?sort=total` by total."""
    now, classroom = timezone.now(), classroom_of(request, class_id)

    def answer() -> HttpResponse:
        book = gradebook(classroom, now=now, sort=request.GET.get("sort", ""), display=display_of(request))
        return render(request, "assignments/gradebook.html", {"classroom": classroom, "now": now, "book": book})

    return replica.figures(request, answer)


@class_page
def table(request: HttpRequest, class_id: int) -> HttpResponse:
    """Return the gradebook as CSV; with `?decimal=comma` for spreadsheets that use decimal commas."""
    now, classroom = timezone.now(), classroom_of(request, class_id)

    def answer() -> HttpResponse:
        class_ref = classroom.class_ref
        assert class_ref is not None
        book = gradebook(classroom, now=now)
        text = gradebook_csv(book, class_code=class_ref.class_code, decimal_comma=request.GET.get("decimal") == "comma")
        audit.record("grades_export", class_ref, actor=account_of(request), request=request)
        name = f"gradebook-{class_ref.pk}-{timezone.localdate().isoformat()}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)

    return replica.figures(request, answer)
