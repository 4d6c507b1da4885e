"""What graders use again: the rubric of an assignment, and comments."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from lms.models.assignments import ClassAssignment


class RubricItem(models.Model):
    """One line of a rubric. Those that a grader ticks sum up to the proposed score (`lms.rubrics`)."""

    assignment = models.ForeignKey(ClassAssignment, on_delete=models.CASCADE, related_name="rubric", db_index=False)
    position = models.IntegerField()
    text = models.CharField(max_length=500)
    points = models.FloatField(help_text="May be negative.")

    class Meta:
        db_table = "rubric_items"
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["assignment", "position"], name="rubric_of_an_assignment")]

    def __str__(self) -> str:
        return self.text


class SavedComment(models.Model):
    """A comment to use again: of an assignment, for all who grade it, or of a teacher, in all their classes. It is one
    of the two."""

    assignment = models.ForeignKey(
        ClassAssignment, null=True, blank=True, on_delete=models.CASCADE, related_name="saved_comments"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="saved_comments"
    )
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "saved_comments"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(assignment=None) ^ models.Q(author=None), name="saved_comments_of_one"
            )
        ]

    def __str__(self) -> str:
        return self.text[:60]
