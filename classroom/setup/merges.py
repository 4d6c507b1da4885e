"""Merge two students of a class who are the same person, and correct the address of one.

Both change the person for all their classes. A teacher may do so if they teach all of these classes, otherwise only an
admin.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from classroom.base.classrooms import Classroom
from classroom.setup.members import ClassMember, members_among
from instructors import audit
from instructors.models import Instructor
from lms import merging
from lms.access import of_other_teachers, scope_of
from lms.models import Class, Student


@dataclass(frozen=True, kw_only=True)
class MergePreview:
    kept: ClassMember
    other: ClassMember
    counts: list[tuple[str, int, int]]  # words, of the kept one now, what comes from the other
    shared_work: list[merging.SharedWork]
    is_refused: bool  # the other one is in classes that this user does not teach

    @property
    def both(self) -> list[ClassMember]:
        """Return the two in an order that does not change with the choice."""
        return sorted((self.kept, self.other), key=lambda member: member.student_id)


def merge_preview(classroom: Classroom, *, kept_id: int, other_id: int, user: Instructor) -> MergePreview | None:
    """Return what merging would do; None unless both are in the class and two. Nine queries at most."""
    found = {member.student_id: member for member in members_among(classroom, [kept_id, other_id])}
    if len(found) < 2:
        return None
    seen = scope_of(user).class_ids
    class_ids = None if seen is None else list(seen)
    kept, other = (merging.moved_counts(pk, class_ids=class_ids) for pk in (kept_id, other_id))
    return MergePreview(
        kept=found[kept_id],
        other=found[other_id],
        counts=[(str(merging.KIND_WORDS[kind]), kept[kind], other[kind]) for kind in merging.KINDS],
        shared_work=merging.shared_work(kept_id, other_id),
        is_refused=bool(of_other_teachers(user, [other_id])),
    )


def merge(
    class_ref: Class, *, kept_id: int, other_id: int, keep_old: bool, by: Instructor, request: HttpRequest
) -> Student:
    """Merge the other one into the kept one, with an entry in the audit log. Return the kept one. The caller has
    checked that `by` may. Raises Student.DoesNotExist."""
    with transaction.atomic():
        kept, other = (Student.objects.get(pk=pk) for pk in (kept_id, other_id))
        counts = merging.merge_students(kept_id=kept_id, other_id=other_id, keep_old=keep_old)
        details = {"class_id": class_ref.pk, "merged": other_id, "address": other.email, "counts": counts}
        _record("student_merge", kept, details, by, request)
    return kept


def correct(
    class_ref: Class, *, student_id: int, email: str, keep_old: bool, by: Instructor, request: HttpRequest
) -> Student:
    """Give a student of the class another address. Where it is another student's who is not in the class, all of this
    one becomes theirs: nothing else would keep it secret whether the address is known. Return the student.

    The caller has checked that `by` may. Raises AddressTaken if the other one is in the class, Student.DoesNotExist.
    """
    with transaction.atomic():
        before = Student.objects.get(pk=student_id)
        details: dict[str, Any] = {"class_id": class_ref.pk, "address": before.email}
        try:
            student = merging.correct_address(student_id=student_id, email=email, keep_old=keep_old)
        except merging.AddressTaken as taken:
            if Student.objects.filter(pk=taken.student_id, enrolments__class_ref=class_ref).exists():
                raise
            merging.merge_students(kept_id=taken.student_id, other_id=student_id, keep_old=keep_old)
            student = Student.objects.get(pk=taken.student_id)
            details["merged"] = student_id
        _record("student_address", student, details, by, request)
    return student


def _record(action: str, student: Student, details: dict[str, Any], by: Instructor, request: HttpRequest) -> None:
    audit.record(action, actor=by, request=request, target_type="student", target_id=student.email, details=details)
