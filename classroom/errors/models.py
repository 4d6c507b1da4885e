"""Hints of teachers to the students of an error cluster, and their recipients."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Hint(models.Model):
    """A text sent to all students who failed at a cell with the same mistake.

    Whether it helped is not stored; the students who ran the cell without an error afterwards are counted on request.
    """

    nonce = models.UUIDField(unique=True, help_text="Chosen with the form: sending it twice makes one hint.")
    class_ref = models.ForeignKey(
        "lms.Class", null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_column="class_id",
        verbose_name="class", help_text="Empty: sent from the room of everybody.",
    )  # fmt: skip
    notebook = models.ForeignKey("lms.Notebook", on_delete=models.CASCADE, related_name="+")
    cell = models.ForeignKey("lms.Cell", on_delete=models.CASCADE, related_name="+", db_index=False)
    error_name = models.CharField(max_length=100, blank=True, default="")
    fingerprint = models.CharField(max_length=16, help_text="Of the mistake (`queries.fingerprints`).")
    text = models.TextField()
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    sent_at = models.DateTimeField(default=timezone.now)
    recipients = models.ManyToManyField("lms.Student", through="HintRecipient", related_name="hints")

    class Meta:
        db_table = "hints"
        ordering = ["-id"]
        indexes = [
            # Hints about a cell, and about a mistake at any cell: newest first.
            models.Index(fields=["cell", "-sent_at"], name="hints_of_a_cell"),
            models.Index(fields=["fingerprint", "-sent_at"], name="hints_of_a_mistake"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class HintRecipient(models.Model):
    hint = models.ForeignKey(Hint, on_delete=models.CASCADE, related_name="sent_to", db_index=False)
    student = models.ForeignKey("lms.Student", on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "hint_recipients"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["hint", "student"], name="hint_recipients_once")]

    def __str__(self) -> str:
        return f"{self.student_id} × {self.hint_id}"
