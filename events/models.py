"""Student activity. Every accepted event is one row of CellExecution, NotebookAccess or StudentEvent, by its event id.

Help requests, progress and counts are derived from these rows.
"""

import uuid

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.utils import timezone

from lms.models import Cell, Notebook, Session, Student

VERIFIED = "It came with a token of the student's own; else whoever has the class key may have sent it."
THROUGH = "The class whose key it came with; 0: without a key. A plain number, which outlives its class."


class CellExecution(models.Model):
    """A run of a cell. The largest table: about seven million rows a year."""

    class Status(models.TextChoices):
        SUCCESS = "success"
        ERROR = "error"
        ABORTED = "aborted"  # did not run, or was interrupted (events.md section 5): neither a success nor an error

    # Unique because it is random: nothing asks for it, and an index in random order would slow down every run.
    execution_id = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    event_id = models.CharField(max_length=255, null=True, blank=True)
    class_id = models.BigIntegerField(default=0, db_default=0, help_text=THROUGH)
    # Without constraints, which look up all four rows for every run: the pipeline locks what a batch refers to, and a
    # trigger refuses to delete it (docs/decisions/0021-what-a-run-refers-to.md). Without indexes, because no page
    # filters by notebook, cell or session alone.
    student = models.ForeignKey(
        Student, on_delete=models.CASCADE, related_name="executions", db_index=False, db_constraint=False
    )
    notebook = models.ForeignKey(
        Notebook, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    cell = models.ForeignKey(
        Cell, on_delete=models.CASCADE, related_name="executions", db_index=False, db_constraint=False
    )
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    executed_at = models.DateTimeField(default=timezone.now)
    execution_count = models.IntegerField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    duration = models.FloatField(null=True, blank=True, help_text="Seconds.")
    error_message = models.TextField(null=True, blank=True)
    output = models.TextField(null=True, blank=True)
    code_content = models.TextField(null=True, blank=True)
    cell_index = models.IntegerField(null=True, blank=True)
    cell_type = models.CharField(max_length=32, null=True, blank=True)
    consecutive_error_count = models.IntegerField(default=0)
    is_significant_error = models.BooleanField(default=False)
    is_verified = models.BooleanField(default=False, db_default=False, help_text=VERIFIED)
    # What only some senders report (`events.contract.run_details`).
    traceback = models.TextField(null=True, blank=True, help_text="At most 16 KiB, with colour codes.")
    started_at = models.DateTimeField(null=True, blank=True)
    queued_ms = models.FloatField(null=True, blank=True, help_text="Milliseconds between the request and the start.")
    run_id = models.CharField(
        max_length=255, null=True, blank=True, help_text="The sender's; the run's start and end share it."
    )

    class Meta:
        db_table = "cell_executions"
        ordering = ["-id"]
        # Not `unique=True`, with which Django creates a second index for LIKE.
        constraints = [models.UniqueConstraint(fields=["event_id"], name="executions_once_an_event")]
        indexes = [
            # A student's runs of one cell, for the consecutive-error rule and the cell's history.
            models.Index(fields=["student", "cell", "-executed_at"], name="executions_student_cell"),
            models.Index(
                fields=["student", "cell", "-executed_at"],
                name="executions_student_cell_errors",
                condition=models.Q(status="error"),
            ),
            # The student page: latest runs first.
            models.Index(fields=["student", "-executed_at"], name="executions_student_latest"),
            # The activity chart: all runs in a period.
            models.Index(fields=["executed_at"], name="executions_time"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class RunCount(models.Model):
    """The numbers of a student's runs and errors in five minutes, for charts.

    PostgreSQL triggers (migration 0010) maintain it in the transaction that adds or deletes executions. A lesson of an
    hour has 2,400 of these rows, and up to 700,000 executions.
    """

    SLOT_SECONDS = 300  # slots begin at whole multiples since the epoch

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="+", db_index=False)
    class_id = models.BigIntegerField(default=0, db_default=0, help_text=THROUGH)
    slot = models.DateTimeField(help_text="When the five minutes begin.")
    runs = models.IntegerField(help_text="That succeeded or failed.")
    errors = models.IntegerField()

    class Meta:
        db_table = "run_counts"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["student", "slot", "class_id"], name="run_counts_once_a_class")]
        indexes = [models.Index(fields=["slot"], name="run_counts_time")]

    def __str__(self) -> str:
        return f"{self.student_id} × {self.slot}"


class NotebookAccess(models.Model):
    class Action(models.TextChoices):
        OPEN = "open"
        SAVE = "save"
        CLOSE = "close"

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="accesses")
    notebook = models.ForeignKey(Notebook, on_delete=models.CASCADE, related_name="accesses")
    accessed_at = models.DateTimeField(default=timezone.now, db_index=True)
    action = models.CharField(max_length=10, choices=Action.choices)
    event_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    class_id = models.BigIntegerField(default=0, db_default=0, help_text=THROUGH)

    class Meta:
        db_table = "notebook_accesses"
        ordering = ["-id"]
        verbose_name_plural = "notebook accesses"

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"


class StudentEvent(models.Model):
    """An event without a row in the two tables above: help, sessions, progress, and unknown kinds.

    `student` is null only for instructor events.
    """

    event_id = models.CharField(max_length=255, unique=True)
    event_type = models.CharField(max_length=100)
    class_id = models.BigIntegerField(default=0, db_default=0, help_text=THROUGH)
    student = models.ForeignKey(Student, null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    occurred_at = models.DateTimeField(help_text="By the sender's clock, where it is believable.")
    received_at = models.DateTimeField(default=timezone.now)
    session_id = models.CharField(max_length=255, null=True, blank=True)
    notebook_path = models.CharField(max_length=1024, null=True, blank=True)
    cell_id = models.CharField(max_length=255, null=True, blank=True)
    data = models.JSONField(default=dict, help_text="What else the sender said.")

    class Meta:
        db_table = "student_events"
        ordering = ["-id"]
        indexes = [
            # The help rules read a student's recent help signals, by the server's clock, because the sender's may be an
            # hour behind.
            models.Index(
                fields=["student", "received_at"],
                name="student_events_help_heard",
                condition=models.Q(event_type__in=["help", "help_stop", "session_end"]),
            ),
            models.Index(fields=["occurred_at"], name="student_events_time"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.pk}"


class CellProgress(models.Model):
    """One student's totals and consecutive errors for one cell in one class.

    Derived from `cell_executions` in the transaction that writes them, so that an overview, a heat map and the
    consecutive-error rule read one small row instead of a history.
    """

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="progress", db_index=False)
    cell = models.ForeignKey(Cell, on_delete=models.CASCADE, related_name="progress")
    notebook = models.ForeignKey(Notebook, on_delete=models.CASCADE, related_name="+")
    class_id = models.BigIntegerField(default=0, db_default=0, help_text=THROUGH)
    run_count = models.IntegerField(default=0)
    error_count = models.IntegerField(default=0)
    last_status = models.CharField(max_length=10, choices=CellExecution.Status.choices)
    last_run_at = models.DateTimeField()
    last_error_at = models.DateTimeField(null=True, blank=True)
    consecutive_error_count = models.IntegerField(default=0)
    is_significant_error = models.BooleanField(default=False)

    class Meta:
        db_table = "cell_progress"
        ordering = ["id"]
        verbose_name_plural = "cell progress"
        constraints = [
            models.UniqueConstraint(fields=["student", "cell", "class_id"], name="cell_progress_once_a_class")
        ]
        indexes = [
            models.Index(
                fields=["student"], name="cell_progress_significant", condition=models.Q(is_significant_error=True)
            ),
            # Shared errors query the cells that fail now. The index does not contain the time, although the query
            # filters by it: an index on a column that each run changes would prevent HOT updates, and so cost an entry
            # in all indexes of the table.
            models.Index(fields=["student"], name="cell_progress_failing", condition=models.Q(last_status="error")),
        ]

    def __str__(self) -> str:
        return f"{self.student_id} × {self.cell_id}"


class HelpRequest(models.Model):
    """A help request from its start to its end. A student has at most one open request in a class."""

    class Ending(models.TextChoices):
        STOPPED = "stopped"  # by the student
        RESOLVED = "resolved"
        DISMISSED = "dismissed"
        EXPIRED = "expired"  # after a timeout
        NOT_FOUND = "not_found"

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="help_requests")
    class_id = models.BigIntegerField(default=0, db_default=0, help_text=THROUGH)
    session_id = models.CharField(max_length=255, null=True, blank=True)
    notebook_path = models.CharField(max_length=1024, null=True, blank=True)
    cell_id = models.CharField(max_length=255, null=True, blank=True)
    asked_at = models.DateTimeField(help_text="By the sender's clock, where it is believable.")
    last_asked_at = models.DateTimeField(help_text="The latest re-send, by the sender's clock.")
    last_heard_at = models.DateTimeField(help_text="By the server's clock: silence is measured from here.")
    was_resent = models.BooleanField(default=False)
    is_verified = models.BooleanField(default=False, db_default=False, help_text=VERIFIED)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=10, choices=Ending.choices, null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "help_requests"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["student", "class_id"], condition=models.Q(ended_at=None), name="help_requests_one_open_a_class"
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at"], name="help_requests_time"),
            models.Index(fields=["student", "-ended_at"], name="help_requests_latest_ended"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class ClientHealth(models.Model):
    """What a student's client last reported of itself through one class (events.md section 3.3).

    When an event of the student last arrived is in `StudentActivity`: a copy here would cost each batch one more
    statement.
    """

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="+", db_index=False)
    class_id = models.BigIntegerField(default=0, db_default=0, help_text=THROUGH)
    version = models.CharField(max_length=60, null=True, blank=True)
    waiting = models.BigIntegerField(null=True, blank=True, help_text="Events in its queue.")
    dropped = models.BigIntegerField(null=True, blank=True, help_text="Events that it had to drop.")
    clock_offset_ms = models.FloatField(null=True, blank=True, help_text="Its clock; negative: slow.")
    reported_at = models.DateTimeField(help_text="By the server's clock.")

    class Meta:
        db_table = "client_health"
        ordering = ["id"]
        verbose_name_plural = "client health"
        constraints = [models.UniqueConstraint(fields=["student", "class_id"], name="client_health_once_a_class")]

    def __str__(self) -> str:
        return f"{self.student_id} × {self.class_id}"


class OfflineQueueEntry(models.Model):
    """An undelivered event: set aside by the event pipeline with the reason, or queued by the offline API."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        SYNCING = "syncing"
        SYNCED = "synced"
        FAILED = "failed"
        CLEARED = "cleared"  # removed by a person or for lack of space; stored until it is pruned

    queue_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event_data = models.JSONField()
    event_type = models.CharField(max_length=100, default="unknown")
    user_id = models.CharField(max_length=320, null=True, blank=True)
    priority = models.SmallIntegerField(default=1, choices=[(1, "high"), (2, "medium"), (3, "low")])
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    retry_count = models.IntegerField(default=0)
    last_retry_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    # From the original request; the record itself does not contain it.
    class_id = models.BigIntegerField(null=True, blank=True, editable=False, help_text="Of the class whose key it was.")
    is_authorised = models.BooleanField(default=False, editable=False, help_text="With an instructor's token.")
    is_verified = models.BooleanField(default=False, db_default=False, editable=False, help_text=VERIFIED)
    is_forced = models.BooleanField(default=False, editable=False, help_text="Waits until somebody asks for a sync.")
    # Stream, entry and position, so that setting the same record aside twice leaves one row.
    origin = models.CharField(max_length=100, unique=True, null=True, blank=True, editable=False)

    class Meta:
        db_table = "offline_queue_entries"
        ordering = ["-id"]
        verbose_name = "undelivered event"
        indexes = [
            # The next ones to sync; how many wait or have failed.
            models.Index(fields=["status", "priority"], name="offline_queue_next"),
            models.Index(fields=["last_retry_at"], name="offline_queue_latest_sync"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.queue_id}"
