"""Notes of the staff about students. Written by `services`, read by `selectors`."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from lms.models import Class, Student


class StudentNote(models.Model):
    """A note about a student, visible to the staff of its class only.

    No text is lost: an edit stores the earlier text, and a deleted note is only hidden from the pages.
    """

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="notes", db_index=False)
    class_ref = models.ForeignKey(
        Class,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_column="class_id",
        help_text="Empty for one written in the room of everybody, which is seen there alone.",
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    earlier_texts = models.JSONField(default=list, blank=True, help_text="[{text, until}], the oldest first.")
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "student_notes"
        ordering = ["-id"]
        indexes = [
            # The notes on a student's page, newest first.
            models.Index(
                fields=["student", "-created_at"],
                name="student_notes_latest",
                condition=models.Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
