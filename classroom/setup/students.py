"""Import students into a class, and remove one."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.http import Http404, HttpRequest

from classroom.setup.members import listed_by
from instructors import audit
from instructors.models import Instructor
from lms.enrolment import Enrolled, enrol_listed, remove_student
from lms.models import Class, Student
from lms.rosters.parser import Line


def import_students(
    class_ref: Class, lines: Sequence[Line], *, skipped: int, by: Instructor, request: HttpRequest, now: datetime
) -> Enrolled:
    listed = [listed_by(line) for line in lines]
    with transaction.atomic():
        done = enrol_listed(class_ref.pk, listed, now=now)
        counts = {"created": done.created, "updated": done.updated, "unchanged": done.unchanged, "skipped": skipped}
        audit.record("roster_import", class_ref, actor=by, request=request, details=counts)
    return done


def remove(class_ref: Class, *, student_id: int, by: Instructor, request: HttpRequest) -> Student:
    """Remove a student from the class and return them. Raises Http404 unless they are in it."""
    student = Student.objects.filter(pk=student_id, enrolments__class_ref=class_ref).first()
    if student is None:
        raise Http404
    with transaction.atomic():
        if remove_student(class_ref.pk, student.pk):
            audit.record(
                "student_remove",
                actor=by,
                request=request,
                target_type="student",
                target_id=student.email,
                details={"class_id": class_ref.pk},
            )
    return student
