"""Select, confirm and revoke the devices of a class's students, and make the class codes by which they join."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from classroom.base.display import PLAIN, Display
from core.identity import display_name
from instructors import audit
from instructors.models import Instructor
from lms import class_codes, student_tokens
from lms.models import Class, ClassCode, StudentClass, StudentToken

MAX_DEVICES = 500  # on the page


@dataclass(frozen=True)
class Device:
    id: int
    student_id: int
    name: str  # of the student
    email: str
    device: str
    client: str
    created_at: datetime
    last_used_at: datetime | None
    check_number: str
    is_waiting: bool


def devices_of(class_ref: Class, *, display: Display = PLAIN) -> list[Device]:
    """Return the devices that are not revoked: those that wait, then those used last. One query."""
    theirs = StudentClass.objects.filter(student=OuterRef("student"), class_ref=class_ref)
    rows = (
        StudentToken.objects.filter(class_ref=class_ref, revoked_at=None)
        .select_related("student")
        .annotate(name_in_class=Subquery(theirs.values("name")[:1]))
        .annotate(is_confirmed=Q(confirmed_at__isnull=False))
        .order_by("is_confirmed", F("last_used_at").desc(nulls_last=True), "-pk")
    )
    return [_device(row, display) for row in rows[:MAX_DEVICES]]


def _device(row: StudentToken, display: Display) -> Device:
    name = display_name(getattr(row, "name_in_class", None), row.student.email)
    return Device(
        id=row.pk,
        student_id=row.student_id,
        name=display.name(row.student_id, name),
        email=display.email(row.student.email),
        device="" if display.projector else row.device,  # often called after its owner
        client=row.client,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        check_number=row.check_number,
        is_waiting=row.confirmed_at is None,
    )


def make_code(class_ref: Class, *, by: Instructor, request: HttpRequest, now: datetime) -> ClassCode:
    """Create a class code; the earlier one ends."""
    with transaction.atomic():
        made = class_codes.make_code(class_ref, by=by, now=now)
        audit.record(
            "class_code_create",
            class_ref,
            actor=by,
            request=request,
            details={"expires_at": made.expires_at.isoformat()},
        )
    return made


def end_code(class_ref: Class, *, by: Instructor, request: HttpRequest, now: datetime) -> None:
    """End the valid code of the class; does nothing without one."""
    with transaction.atomic():
        if class_codes.end_codes(class_ref, now=now):
            audit.record("class_code_end", class_ref, actor=by, request=request)


def confirm_device(
    class_ref: Class, *, token_id: int, by: Instructor, request: HttpRequest, now: datetime
) -> StudentToken:
    """Confirm a device that waits. Raises Http404 if it is of another class."""
    return _change("device_confirm", student_tokens.confirm, class_ref, token_id, by, request, now)


def revoke_device(
    class_ref: Class, *, token_id: int, by: Instructor, request: HttpRequest, now: datetime
) -> StudentToken:
    """Revoke the token of a device. Raises Http404 if it is of another class."""
    return _change("device_revoke", student_tokens.revoke, class_ref, token_id, by, request, now)


def _change(
    action: str,
    change: Callable[..., int],
    class_ref: Class,
    token_id: int,
    by: Instructor,
    request: HttpRequest,
    now: datetime,
) -> StudentToken:
    mine: QuerySet[StudentToken] = StudentToken.objects.filter(class_ref=class_ref, pk=token_id)
    found = get_object_or_404(mine.select_related("student"))
    with transaction.atomic():
        if change(mine, now=now):
            audit.record(
                action, class_ref, actor=by, request=request, details={"hint": found.hint, "student": found.student_id}
            )
    return found
