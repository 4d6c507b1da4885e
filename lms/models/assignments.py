"""Assignments of a class, extensions of their due dates, and submissions."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext

from core.identity import visible
from lms.dates import PlausibleDateTimeField
from lms.models.classes import Class
from lms.models.notebooks import Notebook
from lms.models.people import Student


class ClassAssignment(models.Model):
    class_ref = models.ForeignKey(Class, on_delete=models.PROTECT, related_name="assignments", db_column="class_id")
    notebook = models.ForeignKey(Notebook, on_delete=models.PROTECT, related_name="assignments")
    title = models.CharField(max_length=255)
    description = models.TextField(null=True, blank=True)
    due_date = PlausibleDateTimeField(null=True, blank=True)
    points = models.FloatField(null=True, blank=True)
    weight = models.FloatField(
        default=1, db_default=1, validators=[MinValueValidator(0)], help_text="In the totals; 0: it does not count."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "class_assignments"
        ordering = ["id"]
        verbose_name = "assignment"

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        if visible(self.title) is None:
            raise ValidationError({"title": gettext("Write at least one visible character.")})


class AssignmentStarter(models.Model):
    """The starter notebook of an assignment. A separate table, so that lists of assignments do not load it."""

    assignment = models.OneToOneField(ClassAssignment, on_delete=models.CASCADE, related_name="starter")
    content = models.JSONField(help_text="As it was uploaded.")
    content_sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "assignment_starters"
        verbose_name = "starter notebook"

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.assignment_id}"


class DueDateExtension(models.Model):
    """The later due date of one student. What holds for them is the later of the two (`lms.due_dates`)."""

    assignment = models.ForeignKey(ClassAssignment, on_delete=models.CASCADE, related_name="extensions", db_index=False)
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="extensions")
    due_date = PlausibleDateTimeField()
    reason = models.TextField(null=True, blank=True, help_text="For the staff of the class.")
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    granted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "due_date_extensions"
        ordering = ["id"]
        verbose_name = "extension of a due date"
        verbose_name_plural = "extensions of due dates"
        constraints = [models.UniqueConstraint(fields=["assignment", "student"], name="due_date_extensions_once")]

    def __str__(self) -> str:
        return f"{self.assignment_id} × {self.student_id}"


class AssignmentSubmission(models.Model):
    assignment = models.ForeignKey(
        ClassAssignment, on_delete=models.PROTECT, related_name="submissions", db_index=False
    )
    student = models.ForeignKey(Student, on_delete=models.PROTECT, related_name="submissions")
    notebook_content = models.JSONField(null=True, blank=True, help_text="As it was handed in.")
    content_sha256 = models.CharField(max_length=64, null=True, blank=True, help_text="The receipt.")
    submitted_at = PlausibleDateTimeField(default=timezone.now)
    status = models.CharField(max_length=50, default="submitted")
    grade = models.FloatField(null=True, blank=True)
    feedback = models.TextField(null=True, blank=True)
    submission_comment = models.TextField(null=True, blank=True)
    ticked_items = models.JSONField(
        null=True, blank=True, editable=False, help_text="Ids of the rubric items that the grader ticked, ascending."
    )
    idempotency_key = models.CharField(
        max_length=64, null=True, blank=True, editable=False, help_text="The sender's: sent again, it is one hand-in."
    )
    sent_with_key = models.JSONField(
        null=True, blank=True, editable=False, help_text="The content_sha256 and submission_comment that came with it."
    )

    class Meta:
        db_table = "assignment_submissions"
        ordering = ["id"]
        verbose_name = "submission"
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "student", "idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="submissions_once_a_key",
            )
        ]
        indexes = [models.Index(fields=["assignment", "student", "-submitted_at"], name="submissions_of_a_student")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
