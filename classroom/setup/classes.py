"""Create, change and close a class."""

import secrets
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from instructors import audit
from instructors.models import Instructor
from lms.copies import copy_assignments, moved
from lms.models import Class
from lms.rooms import copy_rooms

# Without letters and digits that look alike.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 100


class CodeTaken(Exception):
    """Another class has this code; `free` is an unused one."""

    def __init__(self, free: str) -> None:
        super().__init__(free)
        self.free = free


def new_code(now: datetime) -> str:
    """Return an unused code to suggest. One query."""
    return _first_free(f"{now.year}-" + "".join(secrets.choice(ALPHABET) for _ in range(4)))


def create_class(fields: dict[str, Any], *, by: Instructor, request: HttpRequest) -> Class:
    """Create a class with `by` as its owner. Raises CodeTaken."""
    try:
        with transaction.atomic():
            created = Class.objects.create(instructor=by, **fields)
            audit.record("class_create", created, actor=by, request=request)
    except IntegrityError:
        raise CodeTaken(_first_free(fields["class_code"])) from None
    return created


def copy_class(
    original: Class, *, name: str, class_code: str, days: int, by: Instructor, request: HttpRequest, now: datetime
) -> Class:
    """Create a class with the description, dates, assignments and rooms of another one, the dates moved by that many
    days, and with `by` as its owner. Raises CodeTaken, ImplausibleDate."""
    with transaction.atomic():
        made = create_class(
            {
                "name": name,
                "class_code": class_code,
                "description": original.description,
                "start_date": moved(original.start_date, days=days, now=now),
                "end_date": moved(original.end_date, days=days, now=now),
            },
            by=by,
            request=request,
        )
        assignments = original.assignments.order_by("pk")
        copy_assignments(assignments, to=made, days=days, by=by, request=request, now=now)
        copy_rooms(original, to=made, by=by.email, now=now)
    return made


def change_class(
    class_ref: Class, fields: dict[str, Any], *, by: Instructor, request: HttpRequest, now: datetime
) -> bool:
    """Update the fields that differ and return whether any did. Raises CodeTaken."""
    changes = {name: value for name, value in fields.items() if getattr(class_ref, name) != value}
    if not changes:
        return False
    try:
        with transaction.atomic():
            Class.objects.filter(pk=class_ref.pk).update(**changes, updated_at=now)
            audit.record("class_update", class_ref, actor=by, request=request, details={"fields": sorted(changes)})
    except IntegrityError:
        raise CodeTaken(_first_free(changes["class_code"])) from None
    for name, value in changes.items():
        setattr(class_ref, name, value)
    return True


def _first_free(code: str) -> str:
    """Return the code, with the first number appended that makes it unused if it is taken. One query."""
    stem = code[: CODE_LENGTH - 5]
    taken = set(Class.objects.filter(class_code__startswith=stem).values_list("class_code", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (code, *numbered) if each not in taken)
