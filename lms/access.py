"""The only answers to "may this user see it?". No view fetches a class or a student by its id without asking here."""

from dataclasses import dataclass
from typing import Protocol

from django.db.models import Q, QuerySet
from django.utils import timezone

from lms.models import Class, ClassKey, Student


class User(Protocol):
    """What is asked of an account; `instructors.Instructor` is one."""

    @property
    def pk(self) -> int: ...

    @property
    def is_admin(self) -> bool: ...


@dataclass(frozen=True)
class Anyone:
    """Whoever calls while nobody has to log in: sees everything, and is nobody."""

    pk: int = -1
    is_admin: bool = True


ANYONE = Anyone()


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What an ingest key opens: one class, to whoever has the key. It is nobody's account."""

    key_id: int
    class_id: int
    is_active: bool
    pk: int = -1
    is_admin: bool = False


def classes_of(user: User) -> QuerySet[Class]:
    """The classes this user teaches or assists in; for an admin all, for a key its own."""
    if isinstance(user, KeyHolder):
        return Class.objects.filter(pk=user.class_id)
    if user.is_admin:
        return Class.objects.all()
    return Class.objects.filter(Q(instructor=user.pk) | Q(staff__instructor=user.pk)).distinct()


def students_of(user: User) -> QuerySet[Student]:
    """The students of those classes; for an admin all, also those of no class."""
    if user.is_admin:
        return Student.objects.all()
    return Student.objects.filter(pk__in=students_in(classes_of(user)).values("pk"))


def students_in(classes: QuerySet[Class]) -> QuerySet[Student]:
    return Student.objects.filter(enrolments__class_ref__in=classes).distinct()


def holder_of_key(key: str) -> KeyHolder | None:
    """The class whose ingest key this is; None for one that is unknown or revoked. One query."""
    found = ClassKey.objects.filter(key_hash=ClassKey.hash(key), revoked_at=None).select_related("class_ref").first()
    return KeyHolder(found.pk, found.class_ref_id, found.class_ref.is_active) if found else None


def note_key_used(holder: KeyHolder) -> None:
    ClassKey.objects.filter(pk=holder.key_id).update(last_used_at=timezone.now())


def class_ids_of(user: User) -> list[int]:
    return list(classes_of(user).values_list("pk", flat=True))


def may_see_class(user: User, class_id: int) -> bool:
    return classes_of(user).filter(pk=class_id).exists()
