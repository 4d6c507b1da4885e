"""Change the staff of a class: its owner, instructors and assistants. The last active instructor cannot be removed."""

from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest

from instructors import audit
from instructors.models import Instructor
from lms.models import Class, ClassStaff

INSTRUCTOR, ASSISTANT = "instructor", "assistant"
ROLES = (INSTRUCTOR, ASSISTANT)


class LastInstructor(Exception):
    """The class would have no active instructor left."""


class NotAllowed(Exception):
    """Only the class's owner or an admin may do this."""


def may_hand_over(class_ref: Class, account: Instructor) -> bool:
    """Return whether the account is the owner or an admin, or the class has no active owner."""
    owner = class_ref.instructor
    return account.is_admin or owner is None or not owner.is_active or owner.pk == account.pk


def add(class_ref: Class, account: Instructor, *, role: str, by: Instructor, request: HttpRequest) -> bool:
    """Add the account to the class; return False if it is already in it, in any role."""
    with transaction.atomic():
        if _locked(class_ref).instructor_id == account.pk:
            return False
        _, is_new = ClassStaff.objects.get_or_create(class_ref=class_ref, instructor=account, defaults={"role": role})
        if is_new:
            _promote(account, role)
            audit.record(
                "staff_add", class_ref, actor=by, request=request, details={"instructor_id": account.pk, "role": role}
            )
    return is_new


def change_role(class_ref: Class, *, account_id: int, role: str, by: Instructor, request: HttpRequest) -> Instructor:
    """Change a member's role and return the account. Raises Http404 unless it is a member, and LastInstructor."""
    with transaction.atomic():
        _locked(class_ref)
        member = _member(class_ref, account_id)
        if member.role != role:
            member.role = role
            member.save(update_fields=["role"])
            _promote(member.instructor, role)
            _refuse_without_instructor(class_ref)
            audit.record(
                "staff_change",
                class_ref,
                actor=by,
                request=request,
                details={"instructor_id": account_id, "role": role},
            )
    return member.instructor


def remove(class_ref: Class, *, account_id: int, by: Instructor, request: HttpRequest) -> Instructor:
    """Remove a member from the class and return the account. Also for a member who leaves.

    Raises Http404 unless it is a member; LastInstructor, also for the owner, who must hand over first.
    """
    with transaction.atomic():
        if _locked(class_ref).instructor_id == account_id:
            raise LastInstructor
        member = _member(class_ref, account_id)
        member.delete()
        _refuse_without_instructor(class_ref)
        action = "staff_leave" if by.pk == account_id else "staff_remove"
        audit.record(action, class_ref, actor=by, request=request, details={"instructor_id": account_id})
    return member.instructor


def hand_over(class_ref: Class, *, account_id: int, by: Instructor, request: HttpRequest, now: datetime) -> Instructor:
    """Make an instructor of the class its owner, and the owner an instructor; return the new owner.

    Raises Http404 unless the account is an active instructor of the class, and NotAllowed.
    """
    with transaction.atomic():
        before = _locked(class_ref)
        if not may_hand_over(before, by):
            raise NotAllowed
        successor = _member(class_ref, account_id, Q(role=INSTRUCTOR, instructor__is_active=True))
        successor.delete()
        if before.instructor_id is not None:
            ClassStaff.objects.create(class_ref=class_ref, instructor_id=before.instructor_id, role=INSTRUCTOR)
        Class.objects.filter(pk=class_ref.pk).update(instructor=account_id, updated_at=now)
        audit.record("class_hand_over", class_ref, actor=by, request=request, details={"instructor_id": account_id})
    return successor.instructor


def _locked(class_ref: Class) -> Class:
    """Return the class, locked, so that two instructors cannot leave at the same time."""
    return Class.objects.select_for_update(of=("self",), no_key=True).select_related("instructor").get(pk=class_ref.pk)


def _member(class_ref: Class, account_id: int, more: Q | None = None) -> ClassStaff:
    rows = ClassStaff.objects.filter(more or Q(), class_ref=class_ref, instructor=account_id)
    found = rows.select_related("instructor").first()
    if found is None:
        raise Http404
    return found


def _refuse_without_instructor(class_ref: Class) -> None:
    """Raise LastInstructor, which rolls the transaction back, if the class has no active instructor."""
    teaches = Q(classes=class_ref.pk) | Q(class_roles__class_ref=class_ref.pk, class_roles__role=INSTRUCTOR)
    if not get_user_model().objects.filter(teaches, is_active=True).exists():
        raise LastInstructor


def _promote(account: Instructor, role: str) -> None:
    """Make an assistant's account an instructor if it is an instructor of a class."""
    if role == INSTRUCTOR and account.is_assistant:
        account.role = INSTRUCTOR
        account.save(update_fields=["role"])
