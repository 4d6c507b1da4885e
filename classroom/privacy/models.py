"""Requests of students to have their data erased. Written by `services`, read by `selectors`."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from lms.models import Class, Student


class ErasureRequest(models.Model):
    """A student asks for the erasure of what is stored of them. Nothing is deleted by it: the instructors of the class
    and the admins see it, and an operator erases with `manage.py forget_student`."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="erasure_requests", db_index=False)
    class_ref = models.ForeignKey(
        Class, on_delete=models.CASCADE, related_name="+", db_column="class_id", verbose_name="class"
    )
    text = models.TextField(blank=True, default="", help_text="What the student adds.")
    asked_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    answer = models.TextField(blank=True, default="", help_text="The student reads it.")

    class Meta:
        db_table = "erasure_requests"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["student", "class_ref"],
                condition=models.Q(withdrawn_at=None, answered_at=None),
                name="erasure_requests_one_open",
            )
        ]
        indexes = [models.Index(fields=["student", "class_ref"], name="erasure_requests_of_a_student")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def status(self) -> str:
        """Return `open`, `withdrawn` or `answered`."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "open" if self.answered_at is None else "answered"
