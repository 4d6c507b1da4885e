"""The live page: who is in the room, and how each of them stands."""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext

from instructors.models import Instructor
from instructors.permissions import sees_everybody
from lms.access import EVERYTHING, Scope, classes_of, classes_taught_by, students_seen_through
from lms.models import Class, Student

# Beyond a few hundred cards nobody reads a page; who asks for help or was here last is always among them.
MAX_CARDS = 500


@dataclass(frozen=True)
class Classroom:
    """The students that one live page is about: those of a class, or everybody (`class_ref` is None).

    `students` are as they are seen there: of a class, rows of `lms.models.ClassStudent`. What they did is seen through
    `scope`.
    """

    class_ref: Class | None
    students: QuerySet[Student]
    may_teach: bool  # sets up, grades; an assistant only sees and helps

    @property
    def title(self) -> str:
        return self.class_ref.name if self.class_ref else gettext("Everybody")

    @cached_property
    def address(self) -> str:
        return reverse("class_live", args=[self.class_ref.pk]) if self.class_ref else reverse("everybody")

    @cached_property
    def scope(self) -> Scope:
        return Scope.of([self.class_ref.pk]) if self.class_ref else EVERYTHING

    @property
    def socket(self) -> str:
        return f"/ws?class={self.class_ref.pk}&runs=0" if self.class_ref else "/ws?runs=0"


def classroom_of_class(*, user: Instructor, class_id: int) -> Classroom:
    """404 for a class that is not this user's, as for one that does not exist. One query."""
    taught = Exists(classes_taught_by(user).filter(pk=OuterRef("pk")))
    mine = classes_of(user).annotate(is_taught=taught)
    found = get_object_or_404(mine, pk=class_id)
    students = cast("QuerySet[Student]", students_seen_through([found.pk]))
    return Classroom(found, students, found.is_taught)  # type: ignore[attr-defined]


def name_in(classroom: Classroom) -> Subquery:
    """The name that the student of a row has in the room, to annotate rows with: another class may call them something
    else, and `student.name` is what they were called last anywhere."""
    return Subquery(classroom.students.order_by().filter(pk=OuterRef("student")).values("name")[:1])


def classroom_of_everybody(*, user: Instructor) -> Classroom:
    """All students, newcomers of no class too. No query; an empty 404 for who may not see them."""
    if not sees_everybody(user):
        get_object_or_404(Class.objects.none())
    return Classroom(None, Student.objects.all(), user.is_admin)


def latest_of(students: QuerySet[Student]) -> QuerySet[Student]:
    """At most MOST_CARDS of them: who asks for help, then who was here last."""
    return students.order_by("-is_requesting_help", F("last_activity_at").desc(nulls_last=True), "pk")[:MAX_CARDS]
