"""The dashboard API: docs/contract/http.md section 13."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.attention import help_services
from classroom.base.recent_ranges import RANGES, range_of
from classroom.dashboard import selectors as dashboard_selectors
from classroom.dashboard.serializers import (
    ActionResponse,
    ActivityResponse,
    DashboardSockets,
    InstructorSockets,
    MetricsResponse,
    OverviewResponse,
)
from instructors.api.callers import known_caller
from instructors.rest.openapi import documented
from instructors.rest.permissions import LoginRequired
from lms.access import scope_of
from lms.api.base import ApiView
from realtime import presence

KNOWN_RANGES = ", ".join(f"`{name}`" for name in RANGES)
TIME_RANGE = OpenApiParameter("time_range", str, description=f"One of {KNOWN_RANGES}. Anything else means `1h`.")
RANGE = OpenApiParameter("range", str, description="The same, where `time_range` is missing.")


class OverviewView(ApiView):
    action = "get dashboard overview"

    @documented(summary="All students, now", responses={200: OverviewResponse}, parameters=[TIME_RANGE])
    def get(self, request: Request) -> Response:
        span = range_of(request.query_params.get("time_range"))
        return Response(dashboard_selectors.overview(self.viewer, span=span, now=timezone.now()))


class MetricsView(ApiView):
    action = "get dashboard metrics"

    @documented(summary="Figures of a time range", responses={200: MetricsResponse}, parameters=[TIME_RANGE, RANGE])
    def get(self, request: Request) -> Response:
        """`range` means the same as `time_range`."""
        query = request.query_params
        span = range_of(query.get("time_range", query.get("range")))
        return Response(dashboard_selectors.metrics(self.viewer, span=span, now=timezone.now()))


class ActivityView(ApiView):
    action = "get student activity"

    @documented(summary="What a student did lately", responses={200: ActivityResponse}, errors=(404,))
    def get(self, request: Request, email: str) -> Response:
        return Response(dashboard_selectors.student_activity(self.viewer, self.find_recorded(email)))


class ActionView(ApiView):
    def act(self, request: Request, email: str, act: Callable[..., bool], message: str) -> Response:
        student = self.find_student(email)
        act(student, scope=scope_of(self.viewer), by=known_caller(request), request=request, now=timezone.now())
        return Response({"success": True, "message": message, "emailAddress": student.email})


class DismissHelpView(ActionView):
    action = "dismiss help"

    @documented(summary="End a request for help", responses={200: ActionResponse}, errors=(404,))
    def post(self, request: Request, email: str) -> Response:
        """Repeats of the request by the student's JupyterLab are ignored from now on. Idempotent."""
        return self.act(request, email, help_services.dismiss_help, "Help request dismissed")


class ResolveErrorView(ActionView):
    action = "resolve error"

    @documented(summary="Let a student's errors no longer count", responses={200: ActionResponse}, errors=(404,))
    def post(self, request: Request, email: str) -> Response:
        """Idempotent."""
        return self.act(request, email, help_services.resolve_error, "Errors resolved")


class DashboardSocketsView(ApiView):
    @documented(summary="Connected dashboards", responses={200: DashboardSockets})
    def get(self, request: Request) -> Response:
        now = presence.details()
        found: dict[str, Any] = {
            "connected_clients": len(now.dashboards),
            "connection_ids": now.dashboards,
            "total_system_connections": now.total,
            "connections_by_type": now.by_type,
            "dashboard_connections": now.by_type["dashboard"],
        }
        return Response(found)


class InstructorSocketsView(ApiView):
    permission_classes = (LoginRequired,)

    @documented(summary="Connected instructors", responses={200: InstructorSockets})
    def get(self, request: Request) -> Response:
        now = presence.details()
        return Response(
            {"connected_instructors": len(now.instructors), "total_connections": sum(now.instructors.values())}
        )
