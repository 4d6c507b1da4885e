"""The report of a lesson: a page that prints on two sheets, and its tables as CSV."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_page, classroom_of
from classroom.base.display import display_of
from classroom.base.js_strings import live_texts
from classroom.base.spans import SpanChoice, span_choice
from classroom.lesson_report.lessons import Lesson, chosen_lesson, lesson_at, lessons_of
from classroom.lesson_report.selectors import lesson_report
from classroom.lesson_report.tables import TABLES, lesson_csv
from classroom.lesson_report.time_plot import time_plot
from core import replica
from instructors import audit
from instructors.permissions import account_of


@class_page
def report(request: HttpRequest, class_id: int) -> HttpResponse:
    """Show the report of `?from=` and `?to=`, of the day or span that `?lesson=` names, or of the newest lesson."""
    classroom, now = classroom_of(request, class_id), timezone.now()

    def answer() -> HttpResponse:
        lessons = lessons_of(classroom, now=now)
        lesson, choice = _chosen(request, classroom, lessons, now=now)
        found = lesson_report(classroom, lesson, now=now, display=display_of(request)) if lesson else None
        context = {
            "classroom": classroom,
            "now": now,
            "lessons": lessons,
            "wanted": request.GET.get("lesson", ""),
            "choice": choice,
            "query": lesson.query if lesson else "",
            "report": found,
            "plot": time_plot(found.timed) if found else None,
            "texts": live_texts(),
        }
        return render(request, "lesson_report/report.html", context)

    return replica.figures(request, answer)


@class_page
def table(request: HttpRequest, class_id: int, name: str) -> HttpResponse:
    """Return one table of the report as CSV, with names as the device's display setting shows them."""
    classroom, now = classroom_of(request, class_id), timezone.now()

    def answer() -> HttpResponse:
        if name not in TABLES:
            raise Http404("No such table")
        lessons = lessons_of(classroom, now=now)
        lesson, choice = _chosen(request, classroom, lessons, now=now)
        if lesson is None or choice.is_wrong:
            raise Http404("No such lesson")
        found = lesson_report(classroom, lesson, now=now, display=display_of(request))
        response = HttpResponse(lesson_csv(found, name), content_type="text/csv; charset=utf-8")
        day = timezone.localtime(lesson.since).date()
        response["Content-Disposition"] = f'attachment; filename="lesson-{day}-{name}.csv"'
        audit.record(
            action="report_export",
            actor=account_of(request),
            request=request,
            target_type="class",
            target_id=class_id,
            details={"table": name, "lesson": lesson.query},
        )
        return response

    return replica.figures(request, answer)


def _chosen(
    request: HttpRequest, classroom: Classroom, lessons: list[Lesson], *, now: datetime
) -> tuple[Lesson | None, SpanChoice]:
    """Return the lesson to report on, if there is one, and the choice of spans."""
    choice = span_choice(request.GET, classroom, now=now)
    if choice.span is not None:
        return lesson_at(choice.span, lessons), choice
    wanted = "" if choice.is_wrong else request.GET.get("lesson", "")
    lesson = chosen_lesson(wanted, lessons, enrolled=classroom.students.count())
    return lesson, choice if choice.is_wrong else span_choice(request.GET, classroom, now=now, shown=lesson)
