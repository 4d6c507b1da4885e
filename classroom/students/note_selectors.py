"""The notes about a student that somebody may read, and which of them they may change."""

from django.db.models import Q, QuerySet

from classroom.base.classrooms import Classroom
from classroom.students.models import StudentNote
from instructors.models import Instructor
from lms.access import classes_of

MOST_NOTES = 100


def notes_of(classroom: Classroom, *, student_id: int, user: Instructor) -> "QuerySet[StudentNote]":
    """Those of the room's class; in the room of everybody those of no class, and of the classes that are this user's.
    Newest first."""
    kept = StudentNote.objects.filter(student=student_id, deleted_at=None).order_by("-created_at", "-pk")
    if classroom.class_ref is not None:
        return kept.filter(class_ref=classroom.class_ref)
    return kept.filter(Q(class_ref=None) | Q(class_ref__in=classes_of(user)))


def own_notes(classroom: Classroom, *, student_id: int, user: Instructor) -> "QuerySet[StudentNote]":
    """Those that this user may edit."""
    return notes_of(classroom, student_id=student_id, user=user).filter(author=user)


def removable_notes(classroom: Classroom, *, student_id: int, user: Instructor) -> "QuerySet[StudentNote]":
    """Those that this user may delete: an admin all, anybody else their own."""
    if user.is_admin:
        return notes_of(classroom, student_id=student_id, user=user)
    return own_notes(classroom, student_id=student_id, user=user)
