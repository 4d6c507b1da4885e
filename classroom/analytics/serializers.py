"""The request and response serializers of the analytics API, for OpenAPI: docs/contract/http.md section 16."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from classroom.analytics.models import AnalyticsReport
from classroom.analytics.selectors import DEFAULT_SPAN, SPANS
from instructors.rest.fields import Text
from instructors.rest.openapi import row_filter, text_filter

KNOWN_SPANS = ", ".join(f"`{name}`" for name in SPANS)
TIME_RANGE = OpenApiParameter(
    "time_range", str, description=f"One of {KNOWN_SPANS}. Anything else means `{DEFAULT_SPAN}`."
)
EMAIL = text_filter("email", "Of this student.")
CLASS = row_filter("class_id", "Of the students of this class.")
TEAM = text_filter("team", "Of the students of this team, by its name.")
ASSIGNMENT = row_filter("assignment_id", "About this assignment.")
REPORT = OpenApiParameter("report_id", str, OpenApiParameter.PATH)


class ProgressRow(serializers.Serializer[Any]):
    emailAddress = serializers.CharField()
    userName = serializers.CharField()
    teamName = serializers.CharField()
    executions = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    error_rate = serializers.FloatField(help_text="0 to 1.")
    notebooks_opened = serializers.IntegerField(help_text="Opened, saved, or run in.")
    active_minutes = serializers.IntegerField(help_text="Pauses up to five minutes count.")
    assignments_completed = serializers.IntegerField(help_text="As of now.")
    progress_percentage = serializers.FloatField(help_text="0 to 100, as of now.")


class ProgressResponse(serializers.Serializer[Any]):
    generated_at = serializers.DateTimeField()
    time_range = serializers.CharField(help_text="The span that was meant.")
    students = ProgressRow(many=True)


class TeamRow(serializers.Serializer[Any]):
    teamName = serializers.CharField()
    members = serializers.IntegerField()
    active = serializers.IntegerField(help_text="Members who did something.")
    executions = serializers.IntegerField()
    error_rate = serializers.FloatField(help_text="0 to 1.")
    help_requests = serializers.IntegerField()
    significant_errors = serializers.IntegerField(help_text="Cells at which a member failed again and again.")
    score = serializers.IntegerField(help_text="0 to 100: see docs/analytics.md.")


class TeamsResponse(serializers.Serializer[Any]):
    generated_at = serializers.DateTimeField()
    time_range = serializers.CharField()
    teams = TeamRow(many=True)


class PredictionRow(serializers.Serializer[Any]):
    emailAddress = serializers.CharField()
    assignment_id = serializers.IntegerField()
    completion_probability = serializers.FloatField(allow_null=True, help_text="0 to 1; null: too little is known.")
    estimated_completion_at = serializers.DateTimeField(allow_null=True)
    at_risk = serializers.BooleanField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    confidence = serializers.FloatField(help_text="0 to 1; 0: too little is known.")


class PredictionsResponse(serializers.Serializer[Any]):
    generated_at = serializers.DateTimeField()
    predictions = PredictionRow(many=True)


class ReportRequest(serializers.Serializer[Any]):
    report_type = serializers.ChoiceField(choices=AnalyticsReport.Type.choices)
    target = Text(max_length=320, help_text="Id or code of a class, name of a team, e-mail of a student.")
    time_range = Text(required=False, allow_null=True, allow_blank=True, max_length=20)
    format = serializers.ChoiceField(choices=["json", "csv"], required=False, default="json")


class OrderedReport(serializers.Serializer[Any]):
    report_id = serializers.UUIDField()
    status = serializers.CharField(help_text="pending, ready or failed.")
    created_at = serializers.DateTimeField()
    download_url = serializers.CharField()


class ReportResponse(OrderedReport):
    report_type = serializers.CharField()
    parameters = serializers.DictField()
    finished_at = serializers.DateTimeField(allow_null=True)
    page_url = serializers.CharField(help_text="The same for people, to read and to print.")
    content = serializers.DictField(allow_null=True, help_text="Null while pending; of a failed one, `error`.")
