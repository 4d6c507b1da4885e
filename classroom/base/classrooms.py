"""The classroom of a page: the students of one class, or all students."""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

from django.db.models import Count, Exists, F, OrderBy, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import NullIf
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext

from classroom.base.namesakes import NamedStudent, distinguished
from instructors.models import Instructor
from instructors.permissions import sees_everybody
from lms.access import EVERYTHING, Scope, classes_of, classes_taught_by, students_seen_through
from lms.models import Class, Student
from lms.rooms import SeatOf, seats_of

# A page with more cards is unreadable. Students who ask for help or were active last are always included.
MAX_CARDS = 500
MAX_NAMESAKES = 2000  # people of everybody whose names are compared

# The order of a class list: by reading, those without one last, then by name.
BY_READING = (NullIf("reading_key", Value("")).asc(nulls_last=True), "name", "email", "pk")
ORDERS: dict[str, tuple[OrderBy | str, ...]] = {
    "reading": BY_READING,
    "name": ("name", "email", "pk"),
    "number": (NullIf("student_number", Value("")).asc(nulls_last=True), *BY_READING),
}


@dataclass(frozen=True)
class Classroom:
    """The students of a page: those of a class, or all students (`class_ref` is None).

    `students` of a class are rows of `lms.models.ClassStudent`. `scope` limits the activity that the page shows.
    """

    class_ref: Class | None
    students: QuerySet[Student]
    may_teach: bool  # may set up and grade; assistants may only view and help

    @property
    def class_id(self) -> int | None:
        return self.class_ref.pk if self.class_ref else None

    @property
    def title(self) -> str:
        return self.class_ref.name if self.class_ref else gettext("Everybody")

    @cached_property
    def address(self) -> str:
        return reverse("class_live", args=[self.class_ref.pk]) if self.class_ref else reverse("everybody")

    @cached_property
    def scope(self) -> Scope:
        return Scope.of([self.class_ref.pk]) if self.class_ref else EVERYTHING

    @cached_property
    def people(self) -> dict[int, NamedStudent]:
        """The students of the class by id; of everybody, those whose names others have too. One query."""
        columns = ["pk", "name", "email"]
        if self.class_ref is not None:
            rows = self.students.order_by().values_list(*columns, "student_number", "reading", "reading_key")
        else:
            names = Student.objects.exclude(name=None).order_by().values("name").annotate(count=Count("pk"))
            rows = self.students.filter(name__in=names.filter(count__gt=1).values("name")).order_by()
            rows = rows.values_list(*columns)[:MAX_NAMESAKES]
        return {values[0]: NamedStudent(*values) for values in rows}

    @cached_property
    def apart(self) -> dict[int, str]:
        """What is shown beside the names that more than one student has, by student id. One query."""
        return distinguished(self.people.values())

    @cached_property
    def seats(self) -> dict[int, list[SeatOf]]:
        """Where the students of the class sit, by student id; nothing for everybody. One query."""
        return seats_of(self.class_ref.pk) if self.class_ref else {}

    @property
    def socket(self) -> str:
        return f"/ws?class={self.class_ref.pk}&runs=0" if self.class_ref else "/ws?runs=0"


def classroom_of_class(*, user: Instructor, class_id: int) -> Classroom:
    """Return the classroom of a class. Raises Http404 if it is not this user's. One query."""
    taught = Exists(classes_taught_by(user).filter(pk=OuterRef("pk")))
    mine = classes_of(user).annotate(is_taught=taught)
    found = get_object_or_404(mine, pk=class_id)
    students = cast("QuerySet[Student]", students_seen_through([found.pk]))
    return Classroom(found, students, found.is_taught)  # type: ignore[attr-defined]


def name_in(classroom: Classroom) -> Subquery:
    """Return the student's name in this classroom, to annotate rows that have a `student`.

    Another class may have another name for them, and `student.name` is the latest name in any class.
    """
    return Subquery(classroom.students.order_by().filter(pk=OuterRef("student")).values("name")[:1])


def classroom_of_everybody(*, user: Instructor) -> Classroom:
    """Return the classroom of all students, also those of no class. Raises Http404 without permission. No query."""
    if not sees_everybody(user):
        get_object_or_404(Class.objects.none())
    return Classroom(None, Student.objects.all(), user.is_admin)


def latest_of(students: QuerySet[Student]) -> QuerySet[Student]:
    """Return at most MAX_CARDS of the students: those asking for help, then the last active."""
    return students.order_by("-is_requesting_help", F("last_activity_at").desc(nulls_last=True), "pk")[:MAX_CARDS]
