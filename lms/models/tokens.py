"""Tokens of students' devices, and the short codes with which students join a class."""

import hashlib

from django.conf import settings
from django.db import models
from django.utils import timezone

from lms.models.classes import Class
from lms.models.people import Student

DEVICE_LENGTH, CLIENT_LENGTH = 100, 60


class StudentToken(models.Model):
    """A token that one device of a student holds for one class. Only the hash is stored.

    The first device of a student in a class is confirmed at once, a further one by the teacher or by a confirmed device
    (`lms.student_tokens`).
    """

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="tokens", db_index=False)
    class_ref = models.ForeignKey(
        Class, on_delete=models.CASCADE, related_name="student_tokens", db_column="class_id", verbose_name="class"
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=8, editable=False, help_text="How the token begins, to tell tokens apart.")
    device = models.CharField(max_length=DEVICE_LENGTH, blank=True, default="", help_text="As the device calls itself.")
    client = models.CharField(max_length=CLIENT_LENGTH, blank=True, default="", help_text="Program and version.")
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="Empty: the device waits.")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Shown on the device and to whoever confirms it, who compares the two.
    check_number = models.CharField(max_length=2, editable=False)

    class Meta:
        db_table = "student_tokens"
        ordering = ["id"]
        verbose_name = "student's device"
        indexes = [models.Index(fields=["student", "class_ref"], name="student_tokens_of_a_student")]

    def __str__(self) -> str:
        return f"{self.hint}…"

    @property
    def status(self) -> str:
        """Return `active`, `waiting` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "waiting" if self.confirmed_at is None else "active"

    @staticmethod
    def hash(token: str) -> str:
        """Return the SHA-256 of the token: enough for long random texts, and cheap enough for every POST."""
        return hashlib.sha256(token.encode()).hexdigest()


class ClassCode(models.Model):
    """A short code that students type to join a class. It expires soon, and a class has one valid code at most
    (`lms.class_codes`)."""

    class_ref = models.ForeignKey(Class, on_delete=models.CASCADE, related_name="codes", db_column="class_id")
    code = models.CharField(max_length=8, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "class_codes"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.code[:4]}-{self.code[4:]}"
