"""Questions to students, and their answers. Written by `services`."""

from django.db import models

from lms.models import Class, Student


class StuckQuestion(models.Model):
    """A student of a class was asked whether they are stuck."""

    class Answer(models.TextChoices):
        YES = "yes"  # their JupyterLab asks for help too
        FINE = "fine"
        NEVER = "never"  # and do not ask me again

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="stuck_questions", db_index=False)
    class_ref = models.ForeignKey(
        Class, on_delete=models.CASCADE, related_name="+", db_column="class_id", verbose_name="class"
    )
    asked_at = models.DateTimeField()
    probability = models.FloatField(help_text="That they were stuck, when they were asked.")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=5, choices=Answer.choices, null=True, blank=True)

    class Meta:
        db_table = "stuck_questions"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["student", "-asked_at"], name="stuck_questions_of_a_student"),
            # Who said lately that they are fine.
            models.Index(fields=["answered_at"], name="stuck_questions_fine", condition=models.Q(answer="fine")),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
