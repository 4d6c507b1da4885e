"""The holders of a class's ingest key and of a student's token. Neither is an account.

What they may see is decided in `lms.access`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from lms.models import ClassKey, StudentAddress, StudentClass, StudentToken

USE_PRECISION = timedelta(seconds=15)  # of the last use of a student token


@dataclass(frozen=True, slots=True)
class ClassKeyHolder:
    """The holder of an ingest key: no account, with access to one class."""

    key_id: int
    class_id: int
    is_active: bool
    pk: int = -1
    is_admin: bool = False
    is_assistant: bool = False


@dataclass(frozen=True, slots=True)
class StudentTokenHolder:
    """The holder of a student token: one student, in one class. No account."""

    token_id: int
    student_id: int
    class_id: int
    is_confirmed: bool
    is_active: bool = True  # the class
    email: str = ""
    pk: int = -1
    is_admin: bool = False
    is_assistant: bool = False
    former: tuple[str, ...] = ()  # the keys of former addresses, which their JupyterLab may still send


def holder_of_key(key: str) -> ClassKeyHolder | None:
    """Return the holder of this ingest key; None if it is unknown or revoked. One query."""
    valid = ClassKey.objects.filter(ClassKey.open_at(timezone.now()), key_hash=ClassKey.hash(key))
    found = valid.select_related("class_ref").first()
    return ClassKeyHolder(found.pk, found.class_ref_id, found.class_ref.is_active) if found else None


def open_keys(key_ids: Collection[int]) -> set[int]:
    """Return those of these keys that are valid and of an active class. One query."""
    valid = ClassKey.objects.filter(ClassKey.open_at(timezone.now()), pk__in=key_ids, class_ref__is_active=True)
    return set(valid.values_list("pk", flat=True))


def record_key_use(holder: ClassKeyHolder) -> None:
    """Set the time of last use. One statement."""
    ClassKey.objects.filter(pk=holder.key_id).update(last_used_at=timezone.now())


# Of a student token. An enrolment may also be deleted by the administration, which does not know of tokens.
IS_ENROLLED = Exists(StudentClass.objects.filter(student=OuterRef("student"), class_ref=OuterRef("class_ref")))


def holder_of_token(token: str) -> StudentTokenHolder | None:
    """Return the holder of this student token; None if it is unknown, revoked, or of somebody who is no longer in the
    class. One query."""
    valid = StudentToken.objects.filter(IS_ENROLLED, token_hash=StudentToken.hash(token), revoked_at=None)
    columns = ("pk", "student", "class_ref", "confirmed_at", "class_ref__is_active", "student__email")
    former = ArraySubquery(StudentAddress.objects.filter(student=OuterRef("student")).values("email_key"))
    for pk, student, class_id, confirmed_at, is_active, email, keys in valid.values_list(*columns, former):
        return StudentTokenHolder(pk, student, class_id, confirmed_at is not None, is_active, email, former=tuple(keys))
    return None


def confirmed_tokens(token_ids: Collection[int]) -> set[int]:
    """Return those of these student tokens that are confirmed, not revoked, and of an active class. One query."""
    valid = StudentToken.objects.filter(IS_ENROLLED, pk__in=token_ids, revoked_at=None, class_ref__is_active=True)
    return set(valid.exclude(confirmed_at=None).values_list("pk", flat=True))


def record_token_use(holder: StudentTokenHolder) -> None:
    """Set the time of last use, unless it is less than USE_PRECISION old. One statement."""
    now = timezone.now()
    unused = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_PRECISION)
    StudentToken.objects.filter(unused, pk=holder.token_id).update(last_used_at=now)
