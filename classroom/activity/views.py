"""The activity chart of a classroom."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classroom.activity.charts import chart_of
from classroom.activity.selectors import activity_of
from classroom.base.decorators import class_page, classroom_of, is_fragment
from classroom.base.js_strings import activity_texts
from classroom.dashboard.selectors import range_of

RANGES = {"1h": _("Last hour"), "24h": _("Last 24 hours"), "7d": _("Last 7 days")}


@class_page
def activity(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    classroom, now = classroom_of(request, class_id), timezone.now()
    found = activity_of(classroom, span=range_of(request.GET.get("range")), now=now)
    context = {
        "classroom": classroom,
        "now": now,
        "ranges": RANGES,
        "activity": found,
        "chart": chart_of(found),
        "texts": activity_texts(),
    }
    return render(request, "activity/_state.html" if is_fragment(request) else "activity/activity.html", context)
