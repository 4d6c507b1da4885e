"""The lessons of a class side by side: a page, and the same as CSV."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_page, classroom_of
from classroom.base.spans import Span, SpanChoice, span_choice, term_of, week_of
from classroom.lesson_report.comparison import compared_lessons
from classroom.lesson_report.tables import comparison_csv
from core import replica
from core.moments import day_text
from instructors import audit
from instructors.permissions import account_of


@class_page
def lessons(request: HttpRequest, class_id: int) -> HttpResponse:
    """Show the lessons of `?from=` and `?to=`, by default of the term; `?order=oldest`, `?small=1`."""
    classroom, now = classroom_of(request, class_id), timezone.now()

    def answer() -> HttpResponse:
        span, choice = _chosen(request, classroom, now=now)
        is_oldest_first, with_small = request.GET.get("order") == "oldest", request.GET.get("small") == "1"
        found = compared_lessons(classroom, span, now=now, with_small=with_small)
        context = {
            "classroom": classroom,
            "now": now,
            "choice": choice,
            "span": span,
            "comparison": found,
            "rows": found.rows[::-1] if is_oldest_first else found.rows,
            "is_oldest_first": is_oldest_first,
            "with_small": with_small,
        }
        return render(request, "lesson_report/lessons.html", context)

    return replica.figures(request, answer)


@class_page
def table(request: HttpRequest, class_id: int) -> HttpResponse:
    """Return the same lessons as CSV, the oldest first."""
    classroom, now = classroom_of(request, class_id), timezone.now()

    def answer() -> HttpResponse:
        span, choice = _chosen(request, classroom, now=now)
        if choice.is_wrong:
            raise Http404("No such span")
        found = compared_lessons(classroom, span, now=now, with_small=request.GET.get("small") == "1")
        response = HttpResponse(comparison_csv(found), content_type="text/csv; charset=utf-8")
        days = f"{day_text(span.since)}-{day_text(span.until - span.until.resolution)}"
        response["Content-Disposition"] = f'attachment; filename="lessons-{days}.csv"'
        audit.record(
            action="report_export",
            actor=account_of(request),
            request=request,
            target_type="class",
            target_id=class_id,
            details={"table": "lessons", "span": span.query},
        )
        return response

    return replica.figures(request, answer)


def _chosen(request: HttpRequest, classroom: Classroom, *, now: datetime) -> tuple[Span, SpanChoice]:
    """Return the typed span, or the term while none is typed rightly; and the choice of spans."""
    term = term_of(classroom, now=now) or week_of(now)
    choice = span_choice(request.GET, classroom, now=now, shown=term)
    return choice.span or term, choice
