"""The serializer of a student's notification, for the progress API and the inbox of a device."""

from typing import Any

from rest_framework import serializers


class Notification(serializers.Serializer[Any]):
    notification_id = serializers.UUIDField()
    title = serializers.CharField()
    message = serializers.CharField()
    level = serializers.CharField()
    assignment_id = serializers.IntegerField(allow_null=True)
    notebook_path = serializers.CharField(allow_null=True, help_text="Of the cell that a hint is about.")
    cell_id = serializers.CharField(allow_null=True, help_text="As the notebook names it.")
    user_id = serializers.CharField(allow_null=True)
    is_read = serializers.BooleanField()
    created_at = serializers.DateTimeField()
