"""Who teaches and who assists in a class. A class never loses its last active instructor."""

from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest

from classroom.setup.audit import note
from instructors.models import Instructor
from lms.models import Class, ClassStaff

INSTRUCTOR, ASSISTANT = "instructor", "assistant"
ROLES = (INSTRUCTOR, ASSISTANT)


class LastInstructor(Exception):
    """Nobody would be left who may set up and grade."""


class NotAllowed(Exception):
    """The class's owner, or an admin, may; this account may not."""


def may_hand_over(class_ref: Class, account: Instructor) -> bool:
    """The owner, an admin, and every instructor of a class whose owner is gone."""
    owner = class_ref.instructor
    return account.is_admin or owner is None or not owner.is_active or owner.pk == account.pk


def add(class_ref: Class, account: Instructor, *, role: str, by: Instructor, request: HttpRequest) -> bool:
    """Puts the account into the class. Returns False for one that is in it already, in whatever role."""
    with transaction.atomic():
        if _locked(class_ref).instructor_id == account.pk:
            return False
        _, is_new = ClassStaff.objects.get_or_create(class_ref=class_ref, instructor=account, defaults={"role": role})
        if is_new:
            _lift(account, role)
            note("staff_add", class_ref, by=by, request=request, instructor_id=account.pk, role=role)
    return is_new


def change_role(class_ref: Class, *, account_id: int, role: str, by: Instructor, request: HttpRequest) -> Instructor:
    """404 for whoever is not in the class beside its owner. Raises LastInstructor."""
    with transaction.atomic():
        _locked(class_ref)
        member = _member(class_ref, account_id)
        if member.role != role:
            member.role = role
            member.save(update_fields=["role"])
            _lift(member.instructor, role)
            _refuse_without_instructor(class_ref)
            note("staff_change", class_ref, by=by, request=request, instructor_id=account_id, role=role)
    return member.instructor


def remove(class_ref: Class, *, account_id: int, by: Instructor, request: HttpRequest) -> Instructor:
    """Takes somebody out of the class, or lets them leave. 404 for whoever is not in it. Raises LastInstructor; also
    for the owner, who hands over first."""
    with transaction.atomic():
        if _locked(class_ref).instructor_id == account_id:
            raise LastInstructor
        member = _member(class_ref, account_id)
        member.delete()
        _refuse_without_instructor(class_ref)
        action = "staff_leave" if by.pk == account_id else "staff_remove"
        note(action, class_ref, by=by, request=request, instructor_id=account_id)
    return member.instructor


def hand_over(class_ref: Class, *, account_id: int, by: Instructor, request: HttpRequest, now: datetime) -> Instructor:
    """An instructor of the class becomes its owner, and the owner an instructor. 404 for whoever is none. Raises
    NotAllowed."""
    with transaction.atomic():
        before = _locked(class_ref)
        if not may_hand_over(before, by):
            raise NotAllowed
        successor = _member(class_ref, account_id, Q(role=INSTRUCTOR, instructor__is_active=True))
        successor.delete()
        if before.instructor_id is not None:
            ClassStaff.objects.create(class_ref=class_ref, instructor_id=before.instructor_id, role=INSTRUCTOR)
        Class.objects.filter(pk=class_ref.pk).update(instructor=account_id, updated_at=now)
        note("class_hand_over", class_ref, by=by, request=request, instructor_id=account_id)
    return successor.instructor


def _locked(class_ref: Class) -> Class:
    """The class, locked: two instructors who leave at once do so one after the other."""
    return Class.objects.select_for_update(of=("self",), no_key=True).select_related("instructor").get(pk=class_ref.pk)


def _member(class_ref: Class, account_id: int, more: Q | None = None) -> ClassStaff:
    rows = ClassStaff.objects.filter(more or Q(), class_ref=class_ref, instructor=account_id)
    found = rows.select_related("instructor").first()
    if found is None:
        raise Http404
    return found


def _refuse_without_instructor(class_ref: Class) -> None:
    """Raises LastInstructor, which undoes the transaction."""
    teaches = Q(classes=class_ref.pk) | Q(class_roles__class_ref=class_ref.pk, class_roles__role=INSTRUCTOR)
    if not get_user_model().objects.filter(teaches, is_active=True).exists():
        raise LastInstructor


def _lift(account: Instructor, role: str) -> None:
    """Whoever teaches a class is an instructor: an account that was made to assist becomes one."""
    if role == INSTRUCTOR and account.is_assistant:
        account.role = INSTRUCTOR
        account.save(update_fields=["role"])
