"""The report of a lesson, and the lessons of a class side by side: pages that print, and their tables as CSV."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_page, classroom_of
from classroom.base.display import display_of
from classroom.base.js_strings import live_texts
from classroom.base.spans import Span, SpanChoice, span_choice, term_of, week_of
from classroom.lesson_report.comparison import compared_lessons
from classroom.lesson_report.lessons import Lesson, chosen_lesson, lesson_at, lessons_of
from classroom.lesson_report.selectors import lesson_report
from classroom.lesson_report.tables import TABLES, comparison_csv, lesson_csv
from classroom.lesson_report.time_plot import time_plot
from core import replica
from core.time_formats import day_text
from instructors import audit
from instructors.permissions import account_of


@class_page
def report(request: HttpRequest, class_id: int) -> HttpResponse:
    """Show the report of `?from=` and `?to=`, of the day or span that `?lesson=` names, or of the newest lesson."""
    classroom, now = classroom_of(request, class_id), timezone.now()

    def answer() -> HttpResponse:
        lessons = lessons_of(classroom, now=now)
        lesson, choice = _chosen_lesson(request, classroom, lessons, now=now)
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
        lesson, choice = _chosen_lesson(request, classroom, lessons, now=now)
        if lesson is None or choice.is_wrong:
            raise Http404("No such lesson")
        found = lesson_report(classroom, lesson, now=now, display=display_of(request))
        file = f"lesson-{timezone.localtime(lesson.since).date()}-{name}"
        details = {"lesson": lesson.query}
        return _export(request, class_id, name, lesson_csv(found, name), filename=file, details=details)

    return replica.figures(request, answer)


@class_page
def compared(request: HttpRequest, class_id: int) -> HttpResponse:
    """Show the lessons of `?from=` and `?to=`, by default of the term; `?order=oldest`, `?small=1`."""
    classroom, now = classroom_of(request, class_id), timezone.now()

    def answer() -> HttpResponse:
        span, choice = _chosen_span(request, classroom, now=now)
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
def compared_table(request: HttpRequest, class_id: int) -> HttpResponse:
    """Return the lessons of `compared` as CSV, the oldest first."""
    classroom, now = classroom_of(request, class_id), timezone.now()

    def answer() -> HttpResponse:
        span, choice = _chosen_span(request, classroom, now=now)
        if choice.is_wrong:
            raise Http404("No such span")
        found = compared_lessons(classroom, span, now=now, with_small=request.GET.get("small") == "1")
        file = f"lessons-{day_text(span.since)}-{day_text(span.until - span.until.resolution)}"
        details = {"span": span.query}
        return _export(request, class_id, "lessons", comparison_csv(found), filename=file, details=details)

    return replica.figures(request, answer)


def _chosen_lesson(
    request: HttpRequest, classroom: Classroom, lessons: list[Lesson], *, now: datetime
) -> tuple[Lesson | None, SpanChoice]:
    """Return the lesson to report on, if there is one, and the choice of spans."""
    choice = span_choice(request.GET, classroom, now=now)
    if choice.span is not None:
        return lesson_at(choice.span, lessons), choice
    wanted = "" if choice.is_wrong else request.GET.get("lesson", "")
    lesson = chosen_lesson(wanted, lessons, enrolled=classroom.students.count())
    return lesson, choice if choice.is_wrong else span_choice(request.GET, classroom, now=now, shown=lesson)


def _chosen_span(request: HttpRequest, classroom: Classroom, *, now: datetime) -> tuple[Span, SpanChoice]:
    """Return the typed span, or the term while none is typed rightly; and the choice of spans."""
    term = term_of(classroom, now=now) or week_of(now)
    choice = span_choice(request.GET, classroom, now=now, shown=term)
    return choice.span or term, choice


def _export(
    request: HttpRequest, class_id: int, table: str, content: bytes, *, filename: str, details: dict[str, str]
) -> HttpResponse:
    """Return a table of the class as a file, and record that it was exported."""
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}.csv"'
    audit.record(
        "report_export",
        actor=account_of(request),
        request=request,
        target_type="class",
        target_id=class_id,
        details={"table": table, **details},
    )
    return response
