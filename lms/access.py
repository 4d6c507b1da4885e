"""The only answers to "may this user see it?". No view fetches a class or a student by its id without asking here."""

from typing import Protocol

from django.db.models import Q, QuerySet

from lms.models import Class, Student


class User(Protocol):
    """What is asked of an account; `instructors.Instructor` is one."""

    pk: int

    @property
    def is_admin(self) -> bool: ...


def classes_of(user: User) -> QuerySet[Class]:
    """The classes this user teaches or assists in; for an admin, all."""
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
