"""The request and response serializers of the operations API, for OpenAPI: docs/contract/http.md section 15."""

from typing import Any

from rest_framework import serializers

from instructors.models import AuditLog
from instructors.rest.fields import Text
from lms.models import SystemSetting
from lms.system_settings import TYPES

Shape = serializers.Serializer[Any]


class AnyValue(serializers.JSONField):
    """Any JSON value, including null."""


def counts() -> serializers.DictField:
    return serializers.DictField(child=serializers.IntegerField())


class EventNumbers(Shape):
    received_total = serializers.IntegerField()
    processed_total = serializers.IntegerField()
    failed_total = serializers.IntegerField(help_text="Set aside: the administration shows them.")
    per_minute = serializers.FloatField(help_text="Received in the last sixty seconds.")
    by_type = counts()


class StudentNumbers(Shape):
    total = serializers.IntegerField()
    active = serializers.IntegerField()


class ActiveNumber(Shape):
    active = serializers.IntegerField()


class SocketNumbers(Shape):
    total_connections = serializers.IntegerField()
    by_type = counts()


class QueueNumbers(Shape):
    high = serializers.IntegerField()
    medium = serializers.IntegerField()
    low = serializers.IntegerField()


class SystemMetrics(Shape):
    generated_at = serializers.DateTimeField()
    events = EventNumbers()
    students = StudentNumbers()
    sessions = ActiveNumber()
    websocket = SocketNumbers()
    queues = QueueNumbers()


class ApiPerformance(Shape):
    avg_response_ms = serializers.FloatField(allow_null=True)
    p95_response_ms = serializers.FloatField(allow_null=True)
    requests_per_minute = serializers.FloatField()


class Processing(Shape):
    avg_ms = serializers.FloatField(allow_null=True, help_text="Of a batch.")
    events_per_second = serializers.FloatField()
    p95_lag_ms = serializers.FloatField(allow_null=True, help_text="From an event's arrival to the screens.")


class DatabasePerformance(Shape):
    avg_query_ms = serializers.FloatField()


class Machine(Shape):
    cpu_usage_percent = serializers.FloatField()
    memory_usage_mb = serializers.FloatField()


class Performance(Shape):
    generated_at = serializers.DateTimeField()
    time_range = serializers.CharField()
    api = ApiPerformance()
    processing = Processing()
    database = DatabasePerformance()
    system = Machine()


class SystemStatus(Shape):
    status = serializers.CharField()
    services = serializers.DictField(child=serializers.JSONField(), help_text="As in `/health`.")
    version = serializers.CharField()
    uptime_seconds = serializers.IntegerField()
    timestamp = serializers.DateTimeField()


class WorkerShape(Shape):
    worker_id = serializers.CharField()
    status = serializers.CharField()
    queues = serializers.ListField(child=serializers.CharField())
    tasks_processed = serializers.IntegerField(help_text="Batches.")
    tasks_failed = serializers.IntegerField(help_text="Jobs.")
    avg_processing_time = serializers.FloatField(allow_null=True, help_text="Seconds of a batch.")
    current_task = serializers.CharField(allow_null=True)
    last_heartbeat = serializers.DateTimeField()
    processed_messages = serializers.IntegerField(help_text="Events.")
    uptime_seconds = serializers.IntegerField()
    memory_usage = serializers.FloatField(help_text="MiB.")


class QueueSizes(Shape):
    HIGH = serializers.IntegerField()
    MEDIUM = serializers.IntegerField()
    LOW = serializers.IntegerField()


class WorkerStatus(Shape):
    generated_at = serializers.DateTimeField()
    workers = WorkerShape(many=True)
    active_workers = serializers.IntegerField()
    queue_sizes = QueueSizes()
    oldest_waiting_seconds = serializers.FloatField()
    failed_jobs = serializers.IntegerField()


class ErrorDetection(Shape):
    consecutive_error_threshold = serializers.IntegerField()
    error_detection_enabled = serializers.BooleanField()
    cache_ttl_seconds = serializers.IntegerField()
    status = serializers.CharField()


class SettingShape(serializers.ModelSerializer[SystemSetting]):
    class Meta:
        model = SystemSetting
        fields = ("setting_key", "setting_value", "setting_type", "description", "is_active", "updated_at")


class SettingList(Shape):
    settings = SettingShape(many=True)


class TypedSetting(Shape):
    setting_key = serializers.CharField()
    value = AnyValue(allow_null=True)
    type = serializers.CharField()


class SettingAnswer(Shape):
    message = serializers.CharField()
    setting = SettingShape()


class NewValue(Shape):
    new_value = AnyValue(allow_null=True)


class NewSetting(Shape):
    setting_key = Text(max_length=100)
    setting_value = AnyValue(allow_null=True, help_text="A value of that type, or a text that means one.")
    setting_type = serializers.ChoiceField(choices=list(TYPES))
    description = Text(required=False, allow_null=True, allow_blank=True)


class AuditEntry(serializers.ModelSerializer[AuditLog]):
    class Meta:
        model = AuditLog
        fields = (
            "id",
            "occurred_at",
            "actor_type",
            "actor_id",
            "actor_email",
            "action",
            "target_type",
            "target_id",
            "ip_address",
            "request_id",
            "outcome",
            "details",
        )
