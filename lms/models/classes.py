"""Classes, their students and staff, and the ingest keys that connect JupyterLabs to them."""

import hashlib
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from core.identity import display_name, visible
from core.kana_order import KEY_LENGTH, reading_key
from core.key_fields import Keyed, KeyField
from lms.dates import PlausibleDateTimeField
from lms.models.people import Student, Team

NUMBER_LENGTH = 64  # characters of a student number


class Class(models.Model):
    class AttentionList(models.TextChoices):
        """How readily "needs attention now" lists a student."""

        QUIETER = "quieter"
        USUAL = "usual"
        BUSIER = "busier"

    # "Class code" is the name of what students type to join (`ClassCode`).
    class_code = models.CharField("code", max_length=100, unique=True)
    name = models.CharField(max_length=255)
    description = models.TextField(null=True, blank=True)
    instructor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="classes"
    )
    start_date = PlausibleDateTimeField(null=True, blank=True)
    end_date = PlausibleDateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    attention_list = models.CharField(
        max_length=10, choices=AttentionList.choices, default=AttentionList.USUAL, db_default=AttentionList.USUAL
    )
    asks_if_stuck = models.BooleanField(
        default=False, db_default=False, help_text="Asks students of whom the list is unsure (classroom/questions)."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)
    students: "models.ManyToManyField[Student, StudentClass]" = models.ManyToManyField(
        Student, through="StudentClass", related_name="classes"
    )

    class Meta:
        db_table = "classes"
        ordering = ["id"]
        verbose_name_plural = "classes"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        for column in ("name", "class_code"):
            if visible(getattr(self, column)) is None:
                raise ValidationError({column: gettext("Write at least one visible character.")})


class StudentClass(Keyed):
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="enrolments", db_index=False)
    class_ref = models.ForeignKey(
        Class, on_delete=models.CASCADE, related_name="enrolments", db_column="class_id", verbose_name="class"
    )
    joined_at = PlausibleDateTimeField(default=timezone.now)
    role = models.CharField(max_length=50, default="student")
    # Name and team in this class, from its list or through its keys. They may differ in other classes.
    name = models.CharField(max_length=255, null=True, blank=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="members")
    # From the list of the class alone: JupyterLab does not send them.
    student_number = models.CharField(max_length=NUMBER_LENGTH, null=True, blank=True, help_text="学籍番号: any text.")
    reading = models.CharField(max_length=255, null=True, blank=True, help_text="ふりがな, by which names are sorted.")
    reading_key = KeyField(
        of="reading", form=reading_key, max_length=KEY_LENGTH, db_collation="C", default="", db_default=""
    )

    may_be_asked = models.BooleanField(
        default=True, db_default=True, help_text="Whether they are stuck. Only the student switches it."
    )

    class Meta:
        db_table = "student_classes"
        ordering = ["id"]
        verbose_name, verbose_name_plural = gettext_lazy("enrolment"), gettext_lazy("enrolments")
        constraints = [models.UniqueConstraint(fields=["student", "class_ref"], name="student_classes_once")]

    def __str__(self) -> str:
        return f"{self.student_id} × {self.class_ref_id}"

    def save(self, *args: Any, **options: Any) -> None:
        """Copy name and team of the student when they are enrolled without."""
        if self._state.adding and self.name is None and self.team_id is None:
            self.name, self.team_id = self.student.name, self.student.team_id
        super().save(*args, **options)

    @property
    def display_name(self) -> str:
        return display_name(self.name, self.student.email)


class ClassStaff(models.Model):
    """Instructors and assistants of a class, beside the one in `Class.instructor`."""

    class_ref = models.ForeignKey(
        Class, on_delete=models.CASCADE, related_name="staff", db_column="class_id", db_index=False
    )
    instructor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="class_roles")
    role = models.CharField(
        max_length=20, choices=[("instructor", "instructor"), ("assistant", "assistant")], default="instructor"
    )
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "class_staff"
        ordering = ["id"]
        verbose_name_plural = "class staff"
        constraints = [models.UniqueConstraint(fields=["class_ref", "instructor"], name="class_staff_once")]

    def __str__(self) -> str:
        return f"{self.instructor_id} × {self.class_ref_id}"


class ClassKey(models.Model):
    """An ingest key. Events that are sent with it belong to the class and enrol their student. Only the hash is
    stored."""

    class_ref = models.ForeignKey(Class, on_delete=models.CASCADE, related_name="keys", db_column="class_id")
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=8, editable=False, help_text="How the key begins, to tell keys apart.")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    # From this time on the key is not valid. It lies in the future while JupyterLabs change over to a new key.
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "class_keys"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.hint}…"

    @staticmethod
    def open_at(now: datetime) -> models.Q:
        """Return the condition for keys that are valid at that time."""
        return models.Q(revoked_at=None) | models.Q(revoked_at__gt=now)

    @staticmethod
    def hash(key: str) -> str:
        """Return the SHA-256 of the key: enough for long random texts, and cheap enough for every POST."""
        return hashlib.sha256(key.encode()).hexdigest()
