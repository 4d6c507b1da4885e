"""Notebooks and their cells, shared by all students who have a file with the same path."""

from django.db import models

from core.key_fields import PathField
from lms.dates import PlausibleDateTimeField


class Notebook(models.Model):
    path = PathField(max_length=1024, unique=True)
    name = PathField(max_length=1024, db_index=True, help_text="The last segment of the path.")
    last_modified = PlausibleDateTimeField(null=True, blank=True, help_text="Set by saves.")
    notebook_metadata = models.JSONField(null=True, blank=True)
    # Created by staff, for all classes. Others are visible where they were used or set as an assignment.
    is_course_material = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "notebooks"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.path


class Cell(models.Model):
    cell_id = models.CharField(max_length=255, db_index=True, help_text="The cell's id in the notebook file.")
    notebook = models.ForeignKey(Notebook, on_delete=models.CASCADE, related_name="cells", db_index=False)
    cell_type = models.CharField(max_length=32, default="code")
    position = models.IntegerField(null=True, blank=True)
    content = models.TextField(null=True, blank=True, help_text="The source that ran last, whoever ran it.")
    cell_metadata = models.JSONField(null=True, blank=True)

    class Meta:
        db_table = "cells"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["notebook", "cell_id"], name="cells_once_a_notebook")]

    def __str__(self) -> str:
        return self.cell_id
