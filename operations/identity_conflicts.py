"""Find accounts and students that no e-mail address leads to, because another row has theirs."""

from typing import TypeVar

from django.db import models

from core.identity import email_key
from core.key_fields import UNREACHABLE
from instructors.models import Instructor
from lms.models import Student

Owner = TypeVar("Owner", Instructor, Student)


def unreachable(model: type[Owner]) -> "models.QuerySet[Owner]":
    """Return the rows that no address leads to."""
    return model._default_manager.filter(email_key__startswith=UNREACHABLE).order_by("pk")


def release() -> int:
    """Give rows their own key where it is free by now. Return how many got one."""
    released = 0
    rows: list[Instructor | Student] = [*unreachable(Instructor), *unreachable(Student)]
    for row in rows:
        row.save(update_fields=["email"])
        released += not row.email_key.startswith(UNREACHABLE)
    return released


def complaints() -> list[str]:
    """Return a message for each such row, with what to do."""
    return [*map(_of_account, unreachable(Instructor)), *map(_of_student, unreachable(Student))]


def _of_account(account: Instructor) -> str:
    other = Instructor.objects.with_email(account.email)
    if other is None:
        return (
            f"Account {account.pk} ({account.name}): {account.email!r} is no e-mail address, so nobody can log in with "
            f"it. Change the address in the administration, at /admin/instructors/instructor/{account.pk}/change/."
        )
    return (
        f"Account {account.pk} ({account.name}): {account.email!r} is the same address as {other.email!r} of account "
        f"{other.pk} ({other.name}). Logins open account {other.pk}. Change the address of one of them in the "
        f"administration, at /admin/instructors/instructor/{account.pk}/change/, or delete it there; run this again."
    )


def _of_student(student: Student) -> str:
    reason = "too long to be one" if email_key(student.email) else "without a character that can be seen"
    return (
        f"Student {student.pk} ({student.name or 'without a name'}): the address {student.email[:80]!r} is {reason}. "
        f"Change it in the administration, at /admin/lms/student/{student.pk}/change/, or erase the student there."
    )
