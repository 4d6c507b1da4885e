"""Invitations to a class."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.identity import email_key
from core.key_fields import Keyed, KeyField
from lms.models import Class


class ClassInvitation(Keyed):
    """A link by which a person without an account joins a class, once; only the hash of its token is stored."""

    class_ref = models.ForeignKey(Class, on_delete=models.CASCADE, related_name="invitations", db_column="class_id")
    email = models.CharField(max_length=255)
    email_key = KeyField(of="email", form=email_key)
    role = models.CharField(max_length=20)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    # Accepted, cancelled, or replaced by a newer one for the same address.
    closed_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "class_invitations"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.email
