"""Environments (Python, system, Jupyter, packages) of the server and of students."""

import uuid

from django.db import models
from django.utils import timezone

from core.key_fields import PathField
from lms.models.classes import Class
from lms.models.people import Student


class EnvironmentSnapshot(models.Model):
    """An environment at one moment: the server's own, or a student's report (`reported`: as sent)."""

    class Source(models.TextChoices):
        SERVER = "server"
        CLIENT = "client"

    snapshot_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    captured_at = models.DateTimeField(default=timezone.now, db_index=True)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.SERVER)
    student = models.ForeignKey(
        Student, null=True, blank=True, on_delete=models.CASCADE, related_name="environments", db_index=False
    )
    class_ref = models.ForeignKey(
        Class,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="environments",
        db_column="class_id",
        verbose_name="class",
    )
    python_env = models.JSONField(default=dict)
    system_env = models.JSONField(default=dict)
    jupyter_env = models.JSONField(default=dict)
    packages = models.JSONField(default=list, help_text="All installed: name, version, location, requires.")
    versions = models.JSONField(default=dict, help_text="The same, short: normalised name (PEP 503) to version.")
    changed_packages = models.JSONField(default=list, help_text="Names that differ from the snapshot before.")
    notebook_path = PathField(max_length=1024, null=True, blank=True)  # type: ignore[misc]
    cell_id = models.CharField(max_length=255, null=True, blank=True)
    execution_count = models.IntegerField(null=True, blank=True)
    memory_usage_mb = models.FloatField(null=True, blank=True)
    cpu_usage_percent = models.FloatField(null=True, blank=True)
    is_full_snapshot = models.BooleanField(default=True)
    collection_duration_ms = models.FloatField(null=True, blank=True)
    reported = models.JSONField(null=True, blank=True)

    class Meta:
        db_table = "environment_snapshots"
        ordering = ["-captured_at", "-id"]
        indexes = [
            # The latest report of each student of a class.
            models.Index(fields=["student", "-captured_at"], name="environments_latest"),
            # The server's own history, for comparisons.
            models.Index(fields=["-captured_at"], name="environments_of_server", condition=models.Q(source="server")),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.snapshot_id}"


class EnvironmentAnalysis(models.Model):
    analysis_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    snapshot = models.ForeignKey(EnvironmentSnapshot, on_delete=models.CASCADE, related_name="analyses")
    analysis_type = models.CharField(max_length=100, default="full")
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        db_table = "environment_analyses"
        ordering = ["-id"]
        verbose_name_plural = "environment analyses"

    def __str__(self) -> str:
        return f"{self.analysis_type} {self.analysis_id}"
