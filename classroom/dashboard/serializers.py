"""The response serializers of the dashboard API, for OpenAPI: docs/contract/http.md section 13."""

from typing import Any

from rest_framework import serializers


class OverviewSignificantCell(serializers.Serializer[Any]):
    cell_id = serializers.IntegerField()
    consecutive_count = serializers.IntegerField()
    last_error_time = serializers.DateTimeField(allow_null=True)


class OverviewStudent(serializers.Serializer[Any]):
    studentId = serializers.IntegerField()
    emailAddress = serializers.CharField()
    userName = serializers.CharField()
    teamName = serializers.CharField()
    currentNotebook = serializers.CharField()
    lastActivity = serializers.CharField(help_text="今, N秒前, N分前, N時間前, N日前 or 不明")
    lastActivityAt = serializers.DateTimeField(allow_null=True)
    status = serializers.CharField(help_text="help, significant_error, error, active or idle")
    isRequestingHelp = serializers.BooleanField()
    helpRequestedAt = serializers.DateTimeField(allow_null=True)
    cellExecutions = serializers.IntegerField()
    errorCount = serializers.IntegerField()
    consecutiveErrorCount = serializers.IntegerField()
    hasSignificantError = serializers.BooleanField()
    significantErrorCells = OverviewSignificantCell(many=True)


class Metrics(serializers.Serializer[Any]):
    totalStudents = serializers.IntegerField()
    totalActive = serializers.IntegerField()
    errorCount = serializers.IntegerField(help_text="Students whose status is `error` or `significant_error`.")
    significantErrorCount = serializers.IntegerField()
    totalExecutions = serializers.IntegerField()
    helpCount = serializers.IntegerField(help_text="Students who ask now.")


class Bucket(serializers.Serializer[Any]):
    time = serializers.DateTimeField()
    executionCount = serializers.IntegerField()
    errorCount = serializers.IntegerField()
    helpCount = serializers.IntegerField()


class OverviewResponse(serializers.Serializer[Any]):
    students = OverviewStudent(many=True)
    metrics = Metrics()
    activityChart = Bucket(many=True)


class ActivityData(serializers.Serializer[Any]):
    totalExecutions = serializers.IntegerField()
    averageExecutionTime = serializers.FloatField(help_text="Seconds.")
    errorRate = serializers.FloatField(help_text="0 to 1.")
    activeUsers = serializers.IntegerField()


class MetricsResponse(serializers.Serializer[Any]):
    timeRange = serializers.CharField()
    totalStudents = serializers.IntegerField()
    activeSessions = serializers.IntegerField()
    activityData = ActivityData()
    generatedAt = serializers.DateTimeField()


class Person(serializers.Serializer[Any]):
    emailAddress = serializers.CharField()
    name = serializers.CharField()
    teamName = serializers.CharField()


class Execution(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    cellId = serializers.IntegerField()
    executionTime = serializers.FloatField(allow_null=True, help_text="Seconds.")
    executionDurationMs = serializers.FloatField(allow_null=True)
    hasError = serializers.BooleanField()
    timestamp = serializers.DateTimeField()
    status = serializers.CharField()
    output = serializers.CharField(allow_null=True)
    errorMessage = serializers.CharField(allow_null=True)
    codeContent = serializers.CharField(allow_null=True)
    cellIndex = serializers.IntegerField(allow_null=True)
    cellType = serializers.CharField(allow_null=True)
    executionCount = serializers.IntegerField(allow_null=True)
    consecutiveErrorCount = serializers.IntegerField()
    isSignificantError = serializers.BooleanField()
    runId = serializers.CharField(allow_null=True, help_text="The client's id of the run.")
    startedAt = serializers.DateTimeField(allow_null=True)
    queuedMs = serializers.FloatField(allow_null=True, help_text="From the request to the start.")
    traceback = serializers.CharField(allow_null=True)


class SessionRow(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    sessionId = serializers.CharField()
    startedAt = serializers.DateTimeField()
    endedAt = serializers.DateTimeField(allow_null=True)
    isActive = serializers.BooleanField()


class ActivityResponse(serializers.Serializer[Any]):
    student = Person()
    recentExecutions = Execution(many=True)
    sessions = SessionRow(many=True)


class ActionResponse(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    message = serializers.CharField()
    emailAddress = serializers.CharField()


class DashboardSockets(serializers.Serializer[Any]):
    connected_clients = serializers.IntegerField()
    connection_ids = serializers.ListField(child=serializers.CharField())
    total_system_connections = serializers.IntegerField()
    connections_by_type = serializers.DictField(child=serializers.IntegerField())
    dashboard_connections = serializers.IntegerField()


class InstructorSockets(serializers.Serializer[Any]):
    connected_instructors = serializers.IntegerField()
    total_connections = serializers.IntegerField()
