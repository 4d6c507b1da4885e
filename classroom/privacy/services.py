"""Requests for erasure: asked and withdrawn by the student, answered by an instructor of the class."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from classroom.privacy.models import ErasureRequest
from instructors import audit
from instructors.models import Instructor
from lms.credential_holders import StudentTokenHolder
from lms.models import Class

MAX_TEXT = 2_000  # characters


def ask_for_erasure(holder: StudentTokenHolder, *, text: str, request: HttpRequest, now: datetime) -> bool:
    """Create a request; return False if one is open already. Recorded in the audit log."""
    try:
        with transaction.atomic():
            ErasureRequest.objects.create(
                student_id=holder.student_id, class_ref_id=holder.class_id, text=text[:MAX_TEXT], asked_at=now
            )
            record("erasure_request", holder, request=request)
    except IntegrityError:
        return False
    return True


def withdraw(holder: StudentTokenHolder, *, request: HttpRequest, now: datetime) -> bool:
    """Withdraw the open request; return False if there is none."""
    with transaction.atomic():
        mine = open_requests(holder.class_id).filter(student=holder.student_id)
        is_changed = mine.update(withdrawn_at=now) > 0
        if is_changed:
            record("erasure_withdraw", holder, request=request)
    return is_changed


def answer(
    class_ref: Class, *, request_id: int, text: str, by: Instructor, request: HttpRequest, now: datetime
) -> bool:
    """Answer an open request of the class; return False if it is not open any more."""
    with transaction.atomic():
        found = open_requests(class_ref.pk).filter(pk=request_id)
        student_id = found.values_list("student", flat=True).first()
        if not found.update(answered_at=now, answered_by=by, answer=text[:MAX_TEXT]):
            return False
        audit.record(
            "erasure_answer",
            actor=by,
            request=request,
            target_type="student",
            target_id=student_id,
            details={"class": class_ref.pk},
        )
    return True


def open_requests(class_id: int) -> QuerySet[ErasureRequest]:
    return ErasureRequest.objects.filter(class_ref=class_id, withdrawn_at=None, answered_at=None)


def record(action: str, holder: StudentTokenHolder, *, request: HttpRequest) -> None:
    """Write to the audit log what a student did. One insert."""
    audit.record(
        action,
        actor=None,
        request=request,
        target_type="student",
        target_id=holder.student_id,
        details={"class": holder.class_id},
    )
