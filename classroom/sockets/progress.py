"""Select the progress of students for the progress sockets (W5)."""

from collections import Counter
from typing import Any

from django.db.models import Count, QuerySet

from lms.models import AssignmentSubmission, Class, ClassAssignment, Student
from realtime.messages import timestamp

MAX_STUDENTS = 200


def summaries(students: QuerySet[Student], *, classes: QuerySet[Class]) -> list[dict[str, Any]]:
    """Return the progress of the first students by id with the assignments of these classes. Three queries."""
    found = list(students.order_by("pk")[:MAX_STUDENTS])
    ids = [student.pk for student in found]
    mine = classes.values("pk")
    enrolled = {"class_ref__enrolments__student_id__in": ids, "class_ref__in": mine}
    pairs = ClassAssignment.objects.filter(**enrolled).values_list("class_ref__enrolments__student_id", "pk")
    assigned = Counter(student for student, _ in pairs.distinct())
    handed_in = dict(
        AssignmentSubmission.objects.filter(student_id__in=ids, assignment__class_ref__in=mine)
        .order_by()
        .values_list("student_id")
        .annotate(done=Count("assignment_id", distinct=True))
    )
    return [_summary(student, assigned[student.pk], handed_in.get(student.pk, 0)) for student in found]


def stats(rows: list[dict[str, Any]]) -> dict[str, Any]:
    shares = [row["overall_progress_percentage"] for row in rows]
    return {
        "total_students": len(rows),
        "active_students": sum(row["last_activity_at"] is not None for row in rows),
        "average_progress": round(sum(shares) / len(shares), 1) if shares else 0.0,
    }


def _summary(student: Student, assigned: int, handed_in: int) -> dict[str, Any]:
    runs, errors = student.execution_count, student.error_count
    return {
        "user_id": student.email,
        "student_id": student.pk,
        "user_name": student.display_name,
        "total_assignments": assigned,
        "completed_assignments": handed_in,
        "overall_progress_percentage": round(100 * min(handed_in, assigned) / assigned, 1) if assigned else 0.0,
        "total_execution_count": runs,
        "error_rate": round(errors / runs, 3) if runs else 0.0,
        "first_activity_at": timestamp(student.created_at),
        "last_activity_at": timestamp(student.last_activity_at) if student.last_activity_at else None,
    }
