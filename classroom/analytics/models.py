"""Reports that clients order over the API: the parameters, and the content that a worker builds."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class AnalyticsReport(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending"
        READY = "ready"
        FAILED = "failed"

    class Type(models.TextChoices):
        CLASS = "class"
        TEAM = "team"
        STUDENT = "student"

    report_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    report_type = models.CharField(max_length=20, choices=Type.choices)
    parameters = models.JSONField(default=dict, help_text="Target, span of time and format, as they were understood.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    content = models.JSONField(null=True, blank=True, help_text="What was found; of a failed one, what to do.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now, help_text="When a worker was last told.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "analytics_reports"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.report_type} {self.report_id}"
