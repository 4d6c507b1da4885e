"""Cases: alerts that were shown, and how they ended. The detector's precision is measured by them."""

from django.conf import settings
from django.db import models


class AttentionCase(models.Model):
    """One alert about one student in one classroom, from when it was first shown until it ended.

    Help requests are stored in `events.models.HelpRequest`; a case with the code `help` only records that the student
    was not found, or that the request was snoozed.
    """

    class Outcome(models.TextChoices):
        HELPED = "helped"
        DISMISSED = "dismissed"  # help was not needed
        NOT_FOUND = "not_found"
        RECOVERED = "recovered"  # the student continued without help

    student = models.ForeignKey("lms.Student", on_delete=models.CASCADE, related_name="attention_cases", db_index=False)
    class_ref = models.ForeignKey(
        "lms.Class",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attention_cases",
        db_column="class_id",
        verbose_name="class",
        help_text="Where it was shown; empty for the room of everybody.",
    )
    code = models.CharField(max_length=20)
    evidence = models.JSONField(default=dict, help_text="The numbers behind the reason; never code or output.")
    opened_at = models.DateTimeField(help_text="First shown.")
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "attention_cases"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["student", "class_ref"],
                condition=models.Q(ended_at=None),
                nulls_distinct=False,
                name="attention_cases_one_open",
            ),
        ]
        indexes = [
            # Open and recently ended cases of a classroom's students.
            models.Index(fields=["student", "-ended_at"], name="attention_cases_of_a_student"),
            # How many visits to a class were needed.
            models.Index(
                fields=["class_ref", "outcome"],
                name="attention_cases_judged",
                condition=models.Q(outcome__in=["helped", "dismissed"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.pk}"
