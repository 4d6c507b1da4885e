"""Notifications of students about their progress."""

from django.db import models
from django.utils import timezone


class ProgressNotification(models.Model):
    """A notification of a student, and whether they have read it (`lms.notifications`)."""

    notification_id = models.UUIDField(unique=True)
    recipient_id = models.CharField(max_length=320, help_text="The key of the address.")
    recipient_type = models.CharField(max_length=20, default="student")
    title = models.CharField(max_length=255)
    message = models.TextField()
    level = models.CharField(max_length=20, default="info")
    assignment_id = models.BigIntegerField(null=True, blank=True)
    submission_id = models.BigIntegerField(null=True, blank=True, help_text="Of the hand-in whose grade it tells.")
    class_id = models.BigIntegerField(default=0, db_default=0, help_text="Of the class it is about; 0: of none.")
    user_id = models.CharField(max_length=320, null=True, blank=True)
    is_read = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    action_url = models.TextField(null=True, blank=True)
    # Of the cell that a hint is about.
    notebook_path = models.CharField(max_length=1024, null=True, blank=True)
    cell_id = models.CharField(max_length=255, null=True, blank=True, help_text="As the notebook names it.")
    action_label = models.CharField(max_length=255, null=True, blank=True)

    class Meta:
        db_table = "progress_notifications"
        ordering = ["-id"]
        indexes = [models.Index(fields=["recipient_id", "-created_at"], name="notifications_of_somebody")]

    def __str__(self) -> str:
        return self.title
