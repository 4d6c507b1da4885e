"""The overview of a user's classes. The figures are those of the live page, but counted by PostgreSQL."""

from dataclasses import dataclass, fields
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from events.models import CellProgress
from events.student_status import ACTIVE_WINDOW
from instructors.models import Instructor
from instructors.permissions import sees_everybody
from lms.access import classes_of, students_seen_through
from lms.models import Class, Student
from lms.models.people import WITHOUT_KEY


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
    """Return the overview. Two queries, three for users who see all students, whatever the number of classes."""
    mine = list(classes_of(user).order_by("-is_active", "name", "pk"))
    enrolled = students_seen_through([found.pk for found in mine]).order_by()
    numbers = [OuterRef("class_id"), *(() if settings.EVENTS_REQUIRE_KEY else (WITHOUT_KEY,))]
    counted = _counts(CellProgress.objects.filter(class_id__in=numbers), now=now)
    rows = enrolled.values("class_id").annotate(**counted).values_list("class_id", *FIGURES)
    counts = {class_id: Figures(*figures) for class_id, *figures in rows}
    everybody = None
    if sees_everybody(user):
        everybody = Figures(**Student.objects.aggregate(**_counts(CellProgress.objects.all(), now=now)))
    return Overview([(found, counts.get(found.pk, Figures())) for found in mine], everybody)


def _counts(progress: "QuerySet[CellProgress]", *, now: datetime) -> dict[str, Count]:
    """Return the precedence of `events.student_status.status_of` in SQL; `progress` are the rows that count."""
    flagged = Q(Exists(progress.filter(student=OuterRef("pk"), is_significant_error=True)))
    asking = Q(is_requesting_help=True)
    recent = Q(last_activity_at__gt=now - ACTIVE_WINDOW, last_run_failed=False)
    return {
        "students": Count("pk"),
        "active": Count("pk", filter=recent & ~asking & ~flagged),
        "asking": Count("pk", filter=asking),
        "significant": Count("pk", filter=flagged & ~asking),
    }
