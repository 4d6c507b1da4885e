"""The response serializers of the progress API, for OpenAPI: docs/contract/http.md section 12."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from instructors.rest.openapi import NOT_BLANK
from lms.api.notifications import Notification

USER = OpenApiParameter(
    "user_id", str, OpenApiParameter.PATH, description="The student's e-mail, or whatever text names them."
)
NOTIFICATION = OpenApiParameter("notification_id", str, OpenApiParameter.PATH)
ONLY_UNREAD = OpenApiParameter("unread_only", {"type": "boolean", "default": True})
INCLUDE_DETAILS = OpenApiParameter("include_details", bool, description="With each assignment.")


def named(name: str) -> OpenApiParameter:
    """Return a required query parameter."""
    return OpenApiParameter(name, {"type": "string", "pattern": NOT_BLANK}, required=True)


def limit(maximum: int, default: int) -> OpenApiParameter:
    return OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": maximum, "default": default})


class CellProgressRow(serializers.Serializer[Any]):
    cell_id = serializers.CharField()
    cell_index = serializers.IntegerField(allow_null=True)
    status = serializers.CharField(help_text="not_started, completed or error")
    execution_count = serializers.IntegerField()
    error_count = serializers.IntegerField()
    last_executed_at = serializers.DateTimeField(allow_null=True)


class AssignmentProgressInfo(serializers.Serializer[Any]):
    assignment_id = serializers.IntegerField()
    assignment_name = serializers.CharField()
    notebook_path = serializers.CharField()
    overall_status = serializers.CharField(
        help_text="not_started, in_progress, completed, submitted, reviewed or failed"
    )
    progress_percentage = serializers.FloatField(help_text="0 to 100.")
    total_cells = serializers.IntegerField()
    completed_cells = serializers.IntegerField()
    error_cells = serializers.IntegerField()
    total_execution_count = serializers.IntegerField()
    cells_progress = CellProgressRow(many=True)
    due_date = serializers.DateTimeField(allow_null=True)
    last_activity_at = serializers.DateTimeField(allow_null=True)
    submission_id = serializers.IntegerField(allow_null=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    is_submitted = serializers.BooleanField()


class StudentProgressSummary(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    student_id = serializers.IntegerField()
    user_name = serializers.CharField()
    session_id = serializers.CharField(allow_null=True)
    total_assignments = serializers.IntegerField()
    completed_assignments = serializers.IntegerField()
    in_progress_assignments = serializers.IntegerField()
    overall_progress_percentage = serializers.FloatField()
    assignments_progress = AssignmentProgressInfo(many=True, required=False)
    total_execution_count = serializers.IntegerField()
    total_execution_time_ms = serializers.FloatField()
    average_execution_time_ms = serializers.FloatField()
    error_rate = serializers.FloatField(help_text="0 to 1.")
    first_activity_at = serializers.DateTimeField(allow_null=True)
    last_activity_at = serializers.DateTimeField(allow_null=True)
    is_requesting_help = serializers.BooleanField()


class Retrieved(serializers.Serializer[Any]):
    message = serializers.CharField()
    retrieved_at = serializers.DateTimeField()


class SummaryResponse(Retrieved):
    user_id = serializers.CharField()
    progress = StudentProgressSummary()


class AssignmentProgressResponse(Retrieved):
    user_id = serializers.CharField()
    assignment_id = serializers.IntegerField()
    progress = AssignmentProgressInfo()


class ProgressStats(serializers.Serializer[Any]):
    total_students = serializers.IntegerField()
    returned_students = serializers.IntegerField(required=False)
    active_students = serializers.IntegerField()
    average_progress = serializers.FloatField()
    total_assignments = serializers.IntegerField(required=False)
    total_executions = serializers.IntegerField(required=False)
    error_rate = serializers.FloatField(required=False)


class StatsResponse(Retrieved):
    stats = ProgressStats()


class AllStudentsResponse(StatsResponse):
    students_progress = StudentProgressSummary(many=True)


class NotificationsResponse(Retrieved):
    user_id = serializers.CharField()
    total_notifications = serializers.IntegerField()
    returned_notifications = serializers.IntegerField()
    unread_count = serializers.IntegerField()
    notifications = Notification(many=True)


class ReadResponse(serializers.Serializer[Any]):
    message = serializers.CharField()
    notification_id = serializers.CharField()
    marked_at = serializers.DateTimeField()


class ProcessedResponse(serializers.Serializer[Any]):
    message = serializers.CharField()
    user_id = serializers.CharField()
    assignment_id = serializers.CharField()
    cell_id = serializers.CharField()
    processed_at = serializers.DateTimeField()
