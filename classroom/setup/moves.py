"""Move students from one class of a teacher to another: their enrolment moves, their activity stays."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from classroom.base.classrooms import Classroom
from classroom.base.display import PLAIN, Display
from classroom.setup.members import ClassMember, members_among
from events.models import CellExecution
from instructors import audit
from instructors.models import Instructor
from lms.access import classes_taught_by
from lms.enrolment import remove_students
from lms.models import AssignmentSubmission, Class, StudentClass, StudentToken


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What becomes of one student."""

    member: ClassMember
    runs: int
    hand_ins: int
    grades: int
    devices: int  # whose connection ends
    is_there: bool  # a member of the other class already


def targets(user: Instructor, class_ref: Class) -> list[Class]:
    """Return the other classes that this user teaches, active ones first. One query."""
    return list(classes_taught_by(user).exclude(pk=class_ref.pk).order_by("-is_active", "name", "pk"))


def preview(
    classroom: Classroom, class_ref: Class, student_ids: Sequence[int], *, target: Class, display: Display = PLAIN
) -> list[Moved]:
    """Return what would become of these students; those who are not in the class are left out. Five queries."""
    found = members_among(classroom, student_ids, display=display)
    ids = [member.student_id for member in found]
    runs = _numbers(CellExecution.objects.filter(class_id=class_ref.pk, student__in=ids), total=Count("pk"))
    work = _numbers(
        AssignmentSubmission.objects.filter(assignment__class_ref=class_ref, student__in=ids),
        total=Count("pk"),
        graded=Count("pk", filter=Q(grade__isnull=False)),
    )
    devices = _numbers(
        StudentToken.objects.filter(class_ref=class_ref, student__in=ids, revoked_at=None), total=Count("pk")
    )
    there = set(StudentClass.objects.filter(class_ref=target, student__in=ids).values_list("student", flat=True))
    return [
        Moved(
            member=member,
            runs=runs[member.student_id, "total"],
            hand_ins=work[member.student_id, "total"],
            grades=work[member.student_id, "graded"],
            devices=devices[member.student_id, "total"],
            is_there=member.student_id in there,
        )
        for member in found
    ]


def _numbers(rows: "QuerySet[Any]", **counts: Count) -> Counter[tuple[int, str]]:
    """Return these counts by student and name. One query."""
    grouped = rows.order_by().values("student").annotate(**counts)
    return Counter({(row["student"], name): row[name] for row in grouped for name in counts})


def move(class_ref: Class, student_ids: Sequence[int], *, target: Class, by: Instructor, request: HttpRequest) -> int:
    """Move these students, in one transaction, with an entry in the audit log of each class. Return how many moved.

    In the other class they have the name, reading, number and team of this one, where it knows none. The tokens of
    their devices end: they belong to this class.
    """
    with transaction.atomic():
        rows = StudentClass.objects.select_for_update(of=("self",)).filter(class_ref=class_ref, student__in=student_ids)
        before = {row.student_id: row for row in rows.order_by("student")}
        new = [StudentClass(student_id=pk, class_ref=target, **_values(row)) for pk, row in before.items()]
        StudentClass.objects.bulk_create(new, ignore_conflicts=True)
        there = list(StudentClass.objects.filter(class_ref=target, student__in=before))
        for row in there:  # those who were there already lack nothing now
            for column, value in _values(before[row.student_id]).items():
                setattr(row, column, getattr(row, column) or value)
        StudentClass.objects.bulk_update(there, ["name", "reading", "student_number", "team"])
        remove_students(class_ref.pk, list(before))
        moved = sorted(before)
        if moved:
            audit.record(
                "students_move_out", class_ref, actor=by, request=request, details={"students": moved, "to": target.pk}
            )
            audit.record(
                "students_move_in", target, actor=by, request=request, details={"students": moved, "of": class_ref.pk}
            )
    return len(moved)


def _values(row: StudentClass) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("name", "reading", "student_number", "team_id")}
