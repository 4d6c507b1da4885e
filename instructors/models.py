"""Accounts of instructors, their status history, revoked tokens, and the audit log."""

from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar, Never

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from core.identity import display_name, email_key, password_form, password_spellings
from core.key_fields import Keyed, KeyedQuerySet, KeyField
from core.validators import validate_address
from instructors import hashing
from instructors.roles import ADMIN, ASSISTANT, INSTRUCTOR

if TYPE_CHECKING:
    Accounts = BaseUserManager["Instructor"]
else:
    Accounts = BaseUserManager.from_queryset(KeyedQuerySet)


class InstructorManager(Accounts):
    def create_user(self, email: str, password: str, *, name: str = "", role: str = INSTRUCTOR) -> "Instructor":
        instructor = self.model(email=email.strip(), name=display_name(name, email.strip()), role=role)
        instructor.set_password(password)
        instructor.save(using=self._db)
        return instructor

    def create_superuser(self, email: str, password: str, **fields: Any) -> "Instructor":
        return self.create_user(email, password, name=fields.get("name", ""), role=ADMIN)

    def get_by_natural_key(self, username: str | None) -> "Instructor":
        return self.get(email_key=email_key(username or ""))

    def with_email(self, email: str) -> "Instructor | None":
        """Return the account with this address in any spelling, or None."""
        return self.filter(email_key=email_key(email)).first()


class Instructor(Keyed, AbstractBaseUser):
    """The user model, with e-mail and password.

    Role `admin` may do everything. Role `assistant` sees its classes and helps in them, but creates no class and
    manages no account. Any other role is a label of an instructor (`instructors.roles`). `lms.ClassStaff` holds the
    role in one class.
    """

    class Status(models.TextChoices):
        AVAILABLE = "available"
        IN_SESSION = "in_session"
        BREAK = "break"
        OFFLINE = "offline"

    email = models.CharField(max_length=255, validators=[validate_address], help_text="As it was typed.")
    email_key = KeyField(of="email", form=email_key)
    # Django expects these two names; the contract names the columns.
    password = models.CharField(max_length=255, db_column="password_hash")
    last_login = models.DateTimeField(null=True, blank=True, db_column="last_login_at")
    name = models.CharField(max_length=255)
    role = models.CharField(max_length=50, default=INSTRUCTOR)
    is_active = models.BooleanField(default=True)
    # When the account was last reactivated. A database trigger sets it (migration 0013), whatever changed the row.
    revived_at = models.DateTimeField(null=True, blank=True, editable=False)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.OFFLINE)
    current_session = models.ForeignKey(
        "lms.Session", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status_updated_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[InstructorManager] = InstructorManager()  # type: ignore[assignment]

    class Meta:
        db_table = "instructors"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["email_key"], name="instructors_once")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Set the name and check that the address is free. Unlike Django's, leave the address as it was typed."""
        self.name = display_name(self.name, self.email)
        Instructor._meta.get_field("email_key").check_typed(
            self, taken=gettext("There is already an account with this address.")
        )

    def set_password(self, raw_password: str | None) -> None:
        """Hash the normalised password, which does not depend on the keyboard. Before a transaction, use
        `hashing.hash_ahead`."""
        form = None if raw_password is None else password_form(raw_password)
        self.password = hashing.hashed(form)
        self._password = form
        if raw_password is not None and not self.email:
            # Django hashes for an unknown address, against timing attacks: take as long as for a wrong password.
            for text in password_spellings(raw_password)[1:]:
                make_password(text)

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether this is the password. A hash of an older form is accepted too, and replaced."""
        form, *others = password_spellings(raw_password or "")
        if super().check_password(form):
            return True
        if self.has_usable_password() and any(check_password(text, self.password) for text in others):
            self.set_password(raw_password)
            self.save(update_fields=["password"])
            return True
        return False

    @property
    def is_admin(self) -> bool:
        return self.is_active and self.role == ADMIN

    @property
    def is_assistant(self) -> bool:
        return self.role == ASSISTANT

    # The Django admin requires these.
    @property
    def is_staff(self) -> bool:
        return self.is_admin

    @property
    def is_superuser(self) -> bool:
        return self.is_admin

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return the hash that sessions and tokens are tied to, of the password and of the time of reactivation. For an
        account that was never reactivated it is Django's own, of the password alone."""
        if self.revived_at is None:
            return super()._get_session_auth_hash(secret)  # type: ignore[misc,no-any-return]  # not in the stubs
        value = f"{self.password} {self.revived_at.astimezone(UTC).isoformat()}"
        return salted_hmac("instructors.Instructor.entries", value, secret=secret, algorithm="sha256").hexdigest()

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_admin


class InstructorStatusHistory(models.Model):
    instructor = models.ForeignKey(Instructor, on_delete=models.CASCADE, related_name="status_history")
    status = models.CharField(max_length=20, choices=Instructor.Status.choices)
    session = models.ForeignKey("lms.Session", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_minutes = models.IntegerField(null=True, blank=True)

    class Meta:
        db_table = "instructor_status_history"
        ordering = ["-id"]
        verbose_name_plural = "instructor status history"
        constraints = [
            models.UniqueConstraint(
                fields=["instructor"], condition=models.Q(ended_at=None), name="status_history_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instructor_id} {self.status}"


class RevokedToken(models.Model):
    """A Bearer token that was revoked. The row can be deleted once the token has expired."""

    jti = models.CharField(max_length=64, unique=True)
    instructor = models.ForeignKey(Instructor, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "revoked_tokens"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.jti


class AuditLog(models.Model):
    """Who did what to which row, from where. Entries are never changed; a database trigger refuses it (migration 0004).

    The actor is copied, not referenced, so that the entry outlives the account.
    """

    class Actor(models.TextChoices):
        INSTRUCTOR = "instructor"
        SYSTEM = "system"
        ANONYMOUS = "anonymous"

    class Outcome(models.TextChoices):
        SUCCESS = "success"
        FAILURE = "failure"

    occurred_at = models.DateTimeField(default=timezone.now)
    actor_type = models.CharField(max_length=10, choices=Actor.choices)
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_email = models.CharField(max_length=320, null=True, blank=True)
    action = models.CharField(max_length=50)
    target_type = models.CharField(max_length=50, null=True, blank=True)
    target_id = models.CharField(max_length=320, null=True, blank=True)
    ip_address = models.CharField(max_length=64, null=True, blank=True)
    request_id = models.CharField(max_length=100, null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.SUCCESS)
    details = models.JSONField(default=dict, blank=True, help_text="Never passwords, tokens or code.")

    class Meta:
        db_table = "audit_logs"
        ordering = ["-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [
            # By time, and for the two filters of GET /admin/audit-log.
            models.Index(fields=["occurred_at"], name="audit_logs_time"),
            models.Index(fields=["action", "-id"], name="audit_logs_action"),
            models.Index(fields=["actor_email", "-id"], name="audit_logs_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ImmutableRecord("An audit entry is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise ImmutableRecord("An audit entry is never deleted.")


class ImmutableRecord(Exception):
    """An attempt to change or delete an entry of the audit log."""
