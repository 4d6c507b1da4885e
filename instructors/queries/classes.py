"""My classes at a glance. The figures mean what they mean on the live page, but are counted by PostgreSQL."""

from dataclasses import dataclass, fields
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q

from events.models import CellProgress
from events.standing import ACTIVE_WINDOW
from instructors.auth import sees_everybody
from instructors.models import Instructor
from lms.access import classes_of
from lms.models import Class, Student, StudentClass


@dataclass(frozen=True)
class Figures:
    students: int = 0
    active: int = 0
    asking: int = 0
    significant: int = 0


FIGURES = [field.name for field in fields(Figures)]


@dataclass(frozen=True)
class Overview:
    classes: list[tuple[Class, Figures]]
    everybody: Figures | None


def overview(*, user: Instructor, now: datetime) -> Overview:
    """Two queries, and one more for who sees everybody, whatever the number of classes."""
    mine = list(classes_of(user).order_by("-is_active", "name", "pk"))
    enrolled = StudentClass.objects.filter(class_ref__in=[found.pk for found in mine]).order_by()
    rows = enrolled.values("class_ref").annotate(**_counts("student__", now=now)).values_list("class_ref", *FIGURES)
    counts = {class_id: Figures(*figures) for class_id, *figures in rows}
    everybody = Figures(**Student.objects.aggregate(**_counts("", now=now))) if sees_everybody(user) else None
    return Overview([(found, counts.get(found.pk, Figures())) for found in mine], everybody)


def _counts(student: str, *, now: datetime) -> dict[str, Count]:
    """The precedence of `events.standing.status_of`, in SQL; `student` is the path to the students table."""
    key = f"{student}pk" if student else "pk"
    flagged = Q(Exists(CellProgress.objects.filter(student=OuterRef(key), is_significant_error=True)))
    asking = Q(**{f"{student}is_requesting_help": True})
    recent = Q(**{f"{student}last_activity_at__gt": now - ACTIVE_WINDOW, f"{student}last_run_failed": False})
    return {
        "students": Count(key),
        "active": Count(key, filter=recent & ~asking & ~flagged),
        "asking": Count(key, filter=asking),
        "significant": Count(key, filter=flagged & ~asking),
    }
