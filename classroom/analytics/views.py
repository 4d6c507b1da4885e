"""The page of a report that was ordered over the API, to read and to print."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.analytics.report_content import for_display
from classroom.analytics.services import find_report, requeue
from classroom.base.decorators import class_page
from classroom.base.display import display_of
from classroom.base.plots import columns
from instructors.permissions import account_of


@class_page
def analytics_report(request: HttpRequest, report_id: str) -> HttpResponse:
    """Show a report. Raises Http404 for an unknown id and for a report that another account ordered."""
    report = find_report(account_of(request), report_id)
    if report is None:
        raise Http404("No such report")
    requeue(report, now=timezone.now())
    context: dict[str, object] = {"report": report}
    if report.status == report.Status.READY and report.content:
        content = for_display(report.content, display_of(request), is_of_student=report.report_type == "student")
        buckets = [
            (datetime.fromisoformat(found["time"]), found["executions"], found["errors"])
            for found in content["activity"]
        ]
        context |= {
            "content": content,
            "plot": columns(buckets),
            "since": datetime.fromisoformat(content["since"]),
            "until": datetime.fromisoformat(content["until"]),
        }
    return render(request, "analytics/report.html", context)
