"""Versions of notebooks: contents, snapshots of them, and commits on branches.

All classes share a notebook (a path), but not its histories. A history belongs to a class, to one student of a class
(their submissions), to an account (snapshots without a class), or to nobody (anonymous callers while no login is
required). Version numbers, branch names and snapshots are unique within a history, and access is granted to a whole
history (lms.access.histories_of).
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from lms.models.classes import Class
from lms.models.notebooks import Notebook
from lms.models.people import Student


class NotebookHistory(models.Model):
    """The history of a notebook in a class, of a student or of an account. Commits lock its row."""

    notebook = models.ForeignKey(Notebook, on_delete=models.PROTECT, related_name="histories", db_index=False)
    class_ref = models.ForeignKey(
        Class, null=True, blank=True, on_delete=models.CASCADE, related_name="histories", db_column="class_id",
        verbose_name="class",
    )  # fmt: skip
    student = models.ForeignKey(Student, null=True, blank=True, on_delete=models.CASCADE, related_name="histories")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="histories"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "notebook_histories"
        ordering = ["id"]
        verbose_name_plural = "notebook histories"
        constraints = [
            models.UniqueConstraint(
                fields=["notebook", "class_ref", "student", "owner"], nulls_distinct=False, name="histories_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class StoredNotebook(models.Model):
    """The content of a notebook, stored once for all snapshots. PostgreSQL compresses large values."""

    sha256 = models.CharField(max_length=64, primary_key=True, help_text="Of the content as canonical JSON.")
    content = models.JSONField(help_text="As it was sent.")
    size = models.IntegerField(help_text="Bytes, as JSON.")

    class Meta:
        db_table = "notebook_contents"

    def __str__(self) -> str:
        return self.sha256[:16]


class NotebookSnapshot(models.Model):
    snapshot_id = models.CharField(max_length=16, help_text="The first digits of the content's hash.")
    history = models.ForeignKey(NotebookHistory, on_delete=models.CASCADE, related_name="snapshots", db_index=False)
    stored = models.ForeignKey(StoredNotebook, on_delete=models.PROTECT, related_name="+", db_column="content_sha256")
    metadata = models.JSONField(default=dict, blank=True, help_text="As sent last.")
    notebook_metadata = models.JSONField(default=dict, blank=True)
    kernel_spec = models.JSONField(default=dict, blank=True)
    total_cells = models.IntegerField(default=0)
    total_lines = models.IntegerField(default=0)
    total_characters = models.IntegerField(default=0)
    code_cells_count = models.IntegerField(default=0)
    markdown_cells_count = models.IntegerField(default=0)
    execution_count = models.BigIntegerField(default=0, help_text="The highest number of a run.")
    author_id = models.CharField(max_length=255, null=True, blank=True)
    author_name = models.CharField(max_length=255, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "notebook_snapshots"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["history", "snapshot_id"], name="snapshots_once_a_history")]
        indexes = [models.Index(fields=["snapshot_id", "-id"], name="snapshots_newest")]  # by the id alone

    def __str__(self) -> str:
        return self.snapshot_id


class NotebookBranch(models.Model):
    branch_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    history = models.ForeignKey(NotebookHistory, on_delete=models.CASCADE, related_name="branches", db_index=False)
    branch_name = models.CharField(max_length=100)
    created_by = models.CharField(max_length=255, null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    current_version = models.ForeignKey(
        "NotebookVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    branched_from_version = models.ForeignKey(
        "NotebookVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    parent_branch = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    total_versions = models.IntegerField(default=0)
    last_commit_at = models.DateTimeField(null=True, blank=True)
    is_merged = models.BooleanField(default=False)
    merged_at = models.DateTimeField(null=True, blank=True)
    merged_into_branch = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "notebook_branches"
        ordering = ["id"]
        verbose_name_plural = "notebook branches"
        constraints = [models.UniqueConstraint(fields=["history", "branch_name"], name="branches_once_a_history")]

    def __str__(self) -> str:
        return self.branch_name


class NotebookVersion(models.Model):
    """A commit. `diffs` are the changes since the parent; null if they were not computed."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        COMMITTED = "committed"
        TAGGED = "tagged"
        ARCHIVED = "archived"

    version_id = models.CharField(max_length=12, unique=True)
    history = models.ForeignKey(NotebookHistory, on_delete=models.CASCADE, related_name="versions", db_index=False)
    branch = models.ForeignKey(NotebookBranch, on_delete=models.CASCADE, related_name="versions")
    snapshot = models.ForeignKey(NotebookSnapshot, on_delete=models.CASCADE, related_name="versions")
    version_number = models.CharField(max_length=130)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.COMMITTED)
    commit_message = models.TextField()
    author_id = models.CharField(max_length=255, null=True, blank=True)
    author_name = models.CharField(max_length=255, null=True, blank=True)
    parent_version = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    diffs = models.JSONField(null=True, blank=True)
    total_changes = models.IntegerField(default=0)
    cells_added = models.IntegerField(default=0)
    cells_deleted = models.IntegerField(default=0)
    cells_modified = models.IntegerField(default=0)
    cells_moved = models.IntegerField(default=0)
    tags = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "notebook_versions"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["history", "version_number"], name="versions_once_a_history")]

    def __str__(self) -> str:
        return self.version_number

    @property
    def shown_diffs(self) -> list[dict[str, Any]]:
        return self.diffs or []
