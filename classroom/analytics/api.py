"""Analytics: docs/contract/http.md section 16."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.analytics import serializers
from classroom.analytics.models import AnalyticsReport
from classroom.analytics.predictions import predictions
from classroom.analytics.report_content import content_csv
from classroom.analytics.selectors import TimeRange, chosen_students, progress_rows, team_rows
from classroom.analytics.services import FAILED, JobNotEnqueued, NoTarget, find_report, request_report, requeue
from instructors.api.callers import account_of
from instructors.rest.exceptions import Conflict, ServiceUnavailable, Unprocessable
from instructors.rest.openapi import documented
from instructors.rest.parameters import find_or_404, query_id, query_text, validated
from instructors.rest.permissions import LoginRequired
from lms.access import Scope, assignments_of, classes_of, scope_of
from lms.api.base import ApiView
from realtime.messages import timestamp

DOWNLOAD = "/api/v1/analytics/reports/{}/download"


class AnalyticsView(ApiView):
    permission_classes = (LoginRequired,)


class ProgressView(AnalyticsView):
    action = "analyse progress"

    @documented(
        summary="What students did in a span of time",
        responses={200: serializers.ProgressResponse},
        errors=(404,),
        parameters=[serializers.EMAIL, serializers.CLASS, serializers.TEAM, serializers.TIME_RANGE],
    )
    def get(self, request: Request) -> Response:
        """Of all students whom the caller may see. Filters are combined with AND."""
        now = timezone.now()
        span = TimeRange.of(request.query_params.get("time_range"), now=now)
        email, class_id, team = query_text(request, "email"), query_id(request, "class_id"), query_text(request, "team")
        if class_id is not None:
            find_or_404(classes_of(self.viewer), class_id, "Class")
        students = chosen_students(self.viewer, class_id=class_id, team=team)
        if email:
            students = students.filter(pk=self.find_recorded(email).pk)
        scope = scope_of(self.viewer) if class_id is None else Scope.of([class_id])
        rows = progress_rows(self.viewer, students, span, scope=scope)
        return Response({"generated_at": timestamp(now), "time_range": span.name, "students": rows})


class TeamsView(AnalyticsView):
    action = "analyse teams"

    @documented(
        summary="What teams did in a span of time",
        responses={200: serializers.TeamsResponse},
        parameters=[serializers.TIME_RANGE],
    )
    def get(self, request: Request) -> Response:
        now = timezone.now()
        span = TimeRange.of(request.query_params.get("time_range"), now=now)
        rows = team_rows(chosen_students(self.viewer), span, scope=scope_of(self.viewer))
        return Response({"generated_at": timestamp(now), "time_range": span.name, "teams": rows})


class PredictionsView(AnalyticsView):
    action = "predict"

    @documented(
        summary="Who will finish in time",
        responses={200: serializers.PredictionsResponse},
        errors=(404,),
        parameters=[serializers.EMAIL, serializers.ASSIGNMENT],
    )
    def get(self, request: Request) -> Response:
        """For a student, an assignment, or both; at least one is required. Not to be used for grading."""
        email, pk, now = query_text(request, "email"), query_id(request, "assignment_id"), timezone.now()
        if not email and pk is None:
            raise Unprocessable(["query", "email"], "Name an email or an assignment_id", "missing")
        mine = assignments_of(self.viewer)
        assignment = None if pk is None else find_or_404(mine, pk, "Assignment")
        if email:
            students = [self.find_recorded(email)]
        else:
            assert assignment is not None
            students = list(chosen_students(self.viewer, class_id=assignment.class_ref_id))
        rows = predictions(self.viewer, students, assignment=assignment, now=now)
        return Response({"generated_at": timestamp(now), "predictions": rows})


class ReportsView(AnalyticsView):
    action = "order the report"

    @documented(
        summary="Order a report",
        request=serializers.ReportRequest,
        responses={201: serializers.OrderedReport},
        errors=(404, 503),
        example={"report_type": "class", "target": "PY-101", "time_range": "7d", "format": "csv"},
    )
    def post(self, request: Request) -> Response:
        """A worker builds the report; poll it by its id until it is no longer pending."""
        given = validated(serializers.ReportRequest(data=request.data))
        try:
            report = request_report(
                report_type=given["report_type"],
                target=given["target"],
                time_range=given.get("time_range") or "",
                file_format=given["format"],
                by=account_of(request),
                request=request,
                now=timezone.now(),
            )
        except NoTarget as error:
            raise NotFound(str(error)) from None
        except JobNotEnqueued:
            raise ServiceUnavailable("No worker can be told to make the report; try again in a moment") from None
        return Response(_ordered(report), status=201)


class OwnReportView(AnalyticsView):
    def find(self, report_id: str) -> AnalyticsReport:
        report = find_report(account_of(self.request), report_id)
        if report is None:
            raise NotFound(f"Report with id {report_id} not found")
        requeue(report, now=timezone.now())
        return report


class ReportView(OwnReportView):
    action = "get the report"

    @documented(
        summary="A report that was ordered",
        responses={200: serializers.ReportResponse},
        errors=(404,),
        parameters=[serializers.REPORT],
    )
    def get(self, request: Request, report_id: str) -> Response:
        """Reports that the caller ordered; admins see all. `content` is null while `status` is `pending`."""
        report = self.find(report_id)
        return Response(
            {
                **_ordered(report),
                "report_type": report.report_type,
                "parameters": report.parameters,
                "finished_at": timestamp(report.finished_at) if report.finished_at else None,
                "page_url": reverse("analytics_report", args=[report.report_id]),
                "content": report.content,
            }
        )


class DownloadView(OwnReportView):
    action = "download the report"

    @documented(
        summary="A report as the file that was ordered",
        responses={(200, "application/json"): OpenApiTypes.OBJECT, (200, "text/csv"): bytes},
        errors=(404, 409),
        parameters=[serializers.REPORT],
    )
    def get(self, request: Request, report_id: str) -> HttpResponseBase:
        """JSON with the whole content, or CSV with one line per student."""
        report = self.find(report_id)
        if report.status == AnalyticsReport.Status.FAILED:
            raise Conflict(FAILED)
        if report.content is None:
            raise Conflict("The report is not ready yet")
        is_csv = report.parameters["format"] == "csv"
        response: HttpResponse
        if is_csv:
            response = HttpResponse(content_csv(report.content), content_type="text/csv; charset=utf-8")
        else:
            response = JsonResponse(report.content, json_dumps_params={"ensure_ascii": False})
        name = f"report-{report.report_type}-{report.created_at:%Y-%m-%d}.{'csv' if is_csv else 'json'}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _ordered(report: AnalyticsReport) -> dict[str, Any]:
    return {
        "report_id": str(report.report_id),
        "status": report.status,
        "created_at": timestamp(report.created_at),
        "download_url": DOWNLOAD.format(report.report_id),
    }
