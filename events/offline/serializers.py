"""Serializers of the offline queue's requests and responses, also for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

MAX_LISTED = 1000


class NewEntries(serializers.Serializer[Any]):
    events = serializers.ListField(child=serializers.DictField(), help_text="Event records, 100 at most.")
    priority = serializers.IntegerField(min_value=1, max_value=3, default=1, help_text="1 is synced first.")
    force_queue = serializers.BooleanField(
        default=False, help_text="Wait for a sync, even if the events could be delivered."
    )


class FailedRecord(serializers.Serializer[Any]):
    event = serializers.DictField()
    error = serializers.CharField()


class Queued(serializers.Serializer[Any]):
    message = serializers.CharField()
    queued_event_ids = serializers.ListField(child=serializers.UUIDField())
    successful_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    failed_events = FailedRecord(many=True, required=False)


class QueueStatus(serializers.Serializer[Any]):
    is_online = serializers.BooleanField()
    sync_in_progress = serializers.BooleanField()
    total_queued_events = serializers.IntegerField()
    failed_events = serializers.IntegerField()
    priority_breakdown = serializers.DictField(child=serializers.IntegerField())
    queue_capacity_used = serializers.FloatField(help_text="0 to 1.")
    last_sync_attempt = serializers.DateTimeField(allow_null=True)
    queue_size = serializers.IntegerField()
    network_status = serializers.CharField(help_text="online or offline")
    last_sync_time = serializers.DateTimeField(allow_null=True)


class Additional(serializers.Serializer[Any]):
    queue_health = serializers.CharField()
    recommendations = serializers.ListField(child=serializers.CharField())


class StatusReport(serializers.Serializer[Any]):
    queue_status = QueueStatus()
    health = serializers.CharField(help_text="excellent, good, warning or critical")
    recommendations = serializers.ListField(child=serializers.CharField())
    additional_stats = Additional()
    timestamp = serializers.DateTimeField()


class SyncRequest(serializers.Serializer[Any]):
    force_sync = serializers.BooleanField(default=False, help_text="Sync now, and answer when it is done.")


class SyncResult(serializers.Serializer[Any]):
    total_events = serializers.IntegerField()
    successful_syncs = serializers.IntegerField()
    failed_syncs = serializers.IntegerField()
    skipped_events = serializers.IntegerField()
    sync_duration_ms = serializers.FloatField()


class SyncReport(serializers.Serializer[Any]):
    message = serializers.CharField()
    queue_status = QueueStatus()
    sync_result = SyncResult(required=False)


class Cleared(serializers.Serializer[Any]):
    message = serializers.CharField()
    cleared_events = serializers.IntegerField()
    cleared_failed_events = serializers.IntegerField()
    queue_status = QueueStatus()


class FailedEntry(serializers.Serializer[Any]):
    queue_id = serializers.UUIDField()
    event_type = serializers.CharField()
    user_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    retry_count = serializers.IntegerField()
    last_retry_at = serializers.DateTimeField(allow_null=True)
    priority = serializers.IntegerField()
    event_data = serializers.JSONField()
    error = serializers.CharField(allow_null=True, help_text="Why.")


class FailedList(serializers.Serializer[Any]):
    failed_events_count = serializers.IntegerField()
    failed_events = FailedEntry(many=True, help_text=f"The latest {MAX_LISTED}.")
    recommendations = serializers.ListField(child=serializers.CharField())
