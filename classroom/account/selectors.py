"""Select what the account page shows: the keys of the account's classes, and its logins."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from core.identity import email_key
from instructors.models import AuditLog, Instructor
from lms.access import classes_taught_by
from lms.models import ClassKey

MAX_KEYS = 200
MAX_ENTRIES = 10
AT_THE_DOOR = ("login", "login_failed", "password_change", "password_reset", "password_link", "logins_end", "login_end")


@dataclass(frozen=True, kw_only=True)
class Key:
    class_id: int
    class_name: str
    hint: str
    created_at: datetime
    last_used_at: datetime | None
    ends_at: datetime | None


def open_keys_of(account: Instructor, *, now: datetime) -> list[Key]:
    """Return the valid keys of the classes that the account sets up, by class, newest first. One query."""
    rows = ClassKey.objects.filter(ClassKey.open_at(now), class_ref__in=classes_taught_by(account).values("pk"))
    rows = rows.select_related("class_ref").order_by("class_ref__name", "-pk")[:MAX_KEYS]
    return [
        Key(
            class_id=row.class_ref_id,
            class_name=row.class_ref.name,
            hint=row.hint,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            ends_at=row.revoked_at,
        )
        for row in rows
    ]


def login_entries(account: Instructor) -> list[AuditLog]:
    """Return the newest entries about logins of this account, successful and not. Two queries."""
    entries = AuditLog.objects.filter(action__in=AT_THE_DOOR)
    mine = entries.filter(actor_id=account.pk)[:MAX_ENTRIES]
    # A failed login has no actor, only the address as it was typed.
    failed = entries.filter(actor_id=None, action="login_failed", target_id__iexact=account.email)[:MAX_ENTRIES]
    others = [entry for entry in failed if email_key(entry.target_id or "") == account.email_key]
    return sorted([*mine, *others], key=lambda entry: entry.pk, reverse=True)[:MAX_ENTRIES]


def accounts() -> QuerySet[Instructor]:
    """Return all accounts, those in use first, by name."""
    return Instructor.objects.order_by("-is_active", "name", "pk")
