"""What the detector flagged, and what people made of it: its record, and the ground of its measured precision."""

from django.conf import settings
from django.db import models


class AttentionCase(models.Model):
    """One concern about one student in one room: from when it was first shown to how it ended.

    A request for help is kept in `events.models.HelpRequest`; a case of the code `help` only notes that its asker was
    looked for in vain, or is to be left alone for some minutes.
    """

    class Outcome(models.TextChoices):
        HELPED = "helped"
        DISMISSED = "dismissed"  # it was not needed
        NOT_FOUND = "not_found"
        RECOVERED = "recovered"  # the student got on without anybody

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
            # What is open or ended lately about the students of a room.
            models.Index(fields=["student", "-ended_at"], name="attention_cases_of_a_student"),
            # How many visits to a class were worth it.
            models.Index(
                fields=["class_ref", "outcome"],
                name="attention_cases_judged",
                condition=models.Q(outcome__in=["helped", "dismissed"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.pk}"
