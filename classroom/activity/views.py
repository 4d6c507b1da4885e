"""The activity chart of a classroom: up to now, or over any span."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classroom.activity.charts import chart_of
from classroom.activity.selectors import activity_between, activity_of
from classroom.base.decorators import class_page, classroom_of, is_fragment
from classroom.base.js_strings import activity_texts
from classroom.base.recent_ranges import range_of
from classroom.base.spans import span_choice
from classroom.lesson_report.lessons import lessons_of
from core import replica

RANGES = {"1h": _("Last hour"), "24h": _("Last 24 hours"), "7d": _("Last 7 days")}


@class_page
def activity(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Show the activity of `?range=`, or of `?from=` and `?to=`; of the last hour while these are wrong."""
    classroom, now = classroom_of(request, class_id), timezone.now()

    def answer() -> HttpResponse:
        choice, recent = span_choice(request.GET, classroom, now=now), range_of(request.GET.get("range"))
        if choice.span is not None:
            found = activity_between(classroom, choice.span, now=now)
        else:
            found = activity_of(classroom, span=recent, now=now)
        context = {
            "classroom": classroom,
            "now": now,
            "ranges": RANGES,
            "range": None if choice.span else recent.name,
            "query": choice.span.query if choice.span else f"range={recent.name}",
            "activity": found,
            "chart": chart_of(found),
            "texts": activity_texts(),
        }
        if is_fragment(request):
            return render(request, "activity/_state.html", context)
        lessons = lessons_of(classroom, now=now) if classroom.class_ref else []
        return render(request, "activity/activity.html", context | {"choice": choice, "lessons": lessons})

    return replica.figures(request, answer)
