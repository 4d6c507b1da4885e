"""Access to rows: which classes, students, notebooks etc. a user may see. Every view fetches rows through these
querysets.

A row that a user may not see is answered with 404, never 403, so that ids reveal nothing.

    classes       those they teach or assist in
    assignments   those of these classes
    submissions   those to these assignments
    students      those enrolled in these classes, as these classes see them
    activity      what came through these classes (`Scope`)
    notebooks     course material, and those that were used through these classes
    maps          those of these classes, and those of no class
    environments  the server's own, and those that were reported through these classes
    versions      the histories of notebooks in these classes, those of their students included, and their own
    an admin, and any caller while no login is required: everything

A class key identifies a class but no student, and classmates share it. A view may let it write to the rows it reaches
here, and read the assignments of the class, but no data of students.

A student token identifies one student in one class. It reaches the assignments of the class, and of the rest only what
is this student's own.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from core.identity import email_key
from lms.credential_holders import ClassKeyHolder, StudentTokenHolder
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassAssignment,
    ClassroomMap,
    ClassStaff,
    ClassStudent,
    EnvironmentSnapshot,
    Notebook,
    NotebookHistory,
    Student,
    StudentActivity,
    StudentAddress,
    StudentClass,
)
from lms.models.people import WITHOUT_KEY


class User(Protocol):
    """The attributes of an account that access depends on. `instructors.Instructor` has them."""

    @property
    def pk(self) -> int: ...

    @property
    def is_admin(self) -> bool: ...

    @property
    def is_assistant(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """The classes whose activity is visible: what was sent with their keys. None stands for all activity.

    Every row of activity has a `class_id` (`lms.models.StudentActivity`). Without EVENTS_REQUIRE_KEY, 0 is among them:
    activity that was sent without a key is visible too.
    """

    class_ids: tuple[int, ...] | None

    @classmethod
    def of(cls, class_ids: Iterable[int]) -> "Scope":
        keyless = () if settings.EVENTS_REQUIRE_KEY else (WITHOUT_KEY,)
        return cls((*class_ids, *keyless))

    def q(self, field: str = "class_id") -> Q:
        return Q() if self.class_ids is None else Q(**{f"{field}__in": self.class_ids})

    def sql(self, column: str = "class_id") -> str:
        """Return the condition as an `AND …` for raw SQL. The ids are integers, so that they may be interpolated."""
        if self.class_ids is None:
            return ""
        return f"AND {column} IN ({', '.join(str(int(each)) for each in self.class_ids) or 'NULL'})"


EVERYTHING = Scope(None)


@dataclass(frozen=True)
class Anyone:
    """An anonymous caller while no login is required. They see everything."""

    pk: int = -1
    is_admin: bool = True
    is_assistant: bool = False


ANYONE = Anyone()


def classes_of(user: User) -> QuerySet[Class]:
    """Return the classes that the user teaches or assists in; for an admin all, for a key or token its own."""
    if isinstance(user, ClassKeyHolder | StudentTokenHolder):
        return Class.objects.filter(pk=user.class_id)
    if user.is_admin:
        return Class.objects.all()
    return Class.objects.filter(Q(instructor=user.pk) | Q(staff__instructor=user.pk)).distinct()


def students_of(user: User) -> QuerySet[Student]:
    """Return the students of the user's classes; for an admin all, also those of no class. With a student token:
    that student."""
    if isinstance(user, StudentTokenHolder):
        return Student.objects.filter(pk=user.student_id)
    if user.is_admin:
        return Student.objects.all()
    return Student.objects.filter(pk__in=students_in(classes_of(user)).values("pk"))


def scope_of(user: User) -> Scope:
    """Return the classes whose activity the user sees. One query; none for an admin."""
    return EVERYTHING if user.is_admin else Scope.of(class_ids_of(user))


def students_seen_through(class_ids: "Iterable[int] | QuerySet[Any, Any]") -> QuerySet[ClassStudent]:
    """Return the students of these classes as each class sees them: a student of two of them is two rows."""
    ids = class_ids if isinstance(class_ids, QuerySet) else list(class_ids)
    return ClassStudent.objects.filter(class_id__in=ids, with_keyless=not settings.EVENTS_REQUIRE_KEY)


def students_seen_by(user: User) -> "QuerySet[Student]":
    """Return the user's students with the activity that the user may see, one row a student.

    An admin sees the sum over all classes. Other users see each student as the class sees them, of the user's, in which
    they were active last; those rows are `ClassStudent`s, which have the same columns.
    """
    if user.is_admin:
        return Student.objects.all()
    latest = F("last_activity_at").desc(nulls_last=True)
    seen = students_seen_through(classes_of(user).values("pk"))
    if isinstance(user, StudentTokenHolder):
        seen = seen.filter(pk=user.student_id)
    rows = seen.order_by("pk", latest, "class_id").distinct("pk")
    return cast("QuerySet[Student]", rows)


def find_student(viewer: User, email: str) -> Student | None:
    """Return the student with this e-mail (any spelling) if the viewer may see them. One query, by the unique index."""
    return with_email(students_seen_by(viewer).select_related("team"), email).first()


def with_email(students: QuerySet[Student], email: str) -> QuerySet[Student]:
    """Filter by e-mail address, in any spelling, or a former one of the student."""
    key = email_key(email)
    former = StudentAddress.objects.filter(email_key=key).values("student__email_key")
    # Evaluated once and first, so that the index of the addresses is used.
    return students.filter(email_key=Coalesce(Subquery(former[:1]), Value(key)))


def students_in(classes: QuerySet[Class]) -> QuerySet[Student]:
    return Student.objects.filter(enrolments__class_ref__in=classes).distinct()


def assignments_of(user: User) -> QuerySet[ClassAssignment]:
    return ClassAssignment.objects.filter(class_ref__in=classes_of(user))


def submissions_of(user: User) -> QuerySet[AssignmentSubmission]:
    found = AssignmentSubmission.objects.filter(assignment__class_ref__in=classes_of(user))
    return found.filter(student=user.student_id) if isinstance(user, StudentTokenHolder) else found


def notebooks_of(user: User) -> QuerySet[Notebook]:
    """Return the notebooks that the user may see; for an admin all.

    They are course material (created by staff, or an assignment in any class) and those that students used through the
    user's classes. The paths of other classes' notebooks are private to those classes.
    """
    if user.is_admin:
        return Notebook.objects.all()
    classes = classes_of(user).values("pk")
    if isinstance(user, StudentTokenHolder):
        return Notebook.objects.filter(pk__in=ClassAssignment.objects.filter(class_ref__in=classes).values("notebook"))
    seen = Q(is_course_material=True) | Q(pk__in=ClassAssignment.objects.values("notebook"))
    # Used: the current notebook of a student, opened or saved, or with cells that were run.
    for rows in ("in_use_by", "accesses", "cells__progress"):
        used = Q(**{f"{rows}__class_id__in": classes})
        if not settings.EVENTS_REQUIRE_KEY:
            theirs = {f"{rows}__class_id": WITHOUT_KEY, f"{rows}__student__enrolments__class_ref__in": classes}
            used |= Q(**theirs)
        seen |= Q(pk__in=Notebook.objects.filter(used).order_by().values("pk"))
    return Notebook.objects.filter(seen)


def with_saves_seen(notebooks: QuerySet[Notebook], user: User) -> QuerySet[Notebook]:
    """Annotate each notebook with `saved_at`: when a student last saved it through a class of this user.

    Only for an admin it is the column `last_modified`, which counts all classes. One indexed subquery for each row.
    """
    if user.is_admin:
        return notebooks.annotate(saved_at=F("last_modified"))
    classes = classes_of(user).values("pk")
    theirs = Q(accesses__class_id__in=classes)
    if not settings.EVENTS_REQUIRE_KEY:
        theirs |= Q(accesses__class_id=WITHOUT_KEY, accesses__student__enrolments__class_ref__in=classes)
    saves = Notebook.objects.filter(theirs, pk=OuterRef("pk"), accesses__action="save")
    newest = saves.order_by("-accesses__accessed_at").values("accesses__accessed_at")
    return notebooks.annotate(saved_at=Subquery(newest[:1]))


def notebooks_in(classes: QuerySet[Class]) -> QuerySet[Notebook]:
    """Return the notebooks that are assignments of the classes or the current notebook of one of their students."""
    set_as_work = Q(pk__in=ClassAssignment.objects.filter(class_ref__in=classes).values("notebook"))
    open_now = Q(pk__in=students_seen_through(classes.values("pk")).values("current_notebook"))
    return Notebook.objects.filter(set_as_work | open_now)


def shared_maps() -> QuerySet[ClassroomMap]:
    """Return the maps of no class. Existing clients know only this one map, shared by all."""
    return ClassroomMap.objects.filter(class_ref=None)


def maps_of(user: User) -> QuerySet[ClassroomMap]:
    """Return the maps whose pictures the user may see."""
    if user.is_admin:
        return ClassroomMap.objects.all()
    return ClassroomMap.objects.filter(Q(class_ref=None) | Q(class_ref__in=classes_of(user)))


def environments_of(user: User) -> QuerySet[EnvironmentSnapshot]:
    """Return the environment snapshots that the user may see: the server's own, and reports through the user's classes.
    Without EVENTS_REQUIRE_KEY, reports that came without a key of the user's students too."""
    if user.is_admin:
        return EnvironmentSnapshot.objects.all()
    theirs = Q(class_ref__in=classes_of(user).values("pk"))
    if isinstance(user, StudentTokenHolder):
        return EnvironmentSnapshot.objects.filter(theirs, student=user.student_id)
    if not settings.EVENTS_REQUIRE_KEY:
        theirs |= Q(class_ref=None, student__in=students_of(user).values("pk"))
    return EnvironmentSnapshot.objects.filter(Q(source=EnvironmentSnapshot.Source.SERVER) | theirs)


def histories_of(user: User) -> QuerySet[NotebookHistory]:
    """Return the notebook histories that the user may see. A key reaches those that it may write to: histories of its
    class, but none of a student."""
    if isinstance(user, ClassKeyHolder):
        return NotebookHistory.objects.filter(class_ref=user.class_id, student=None)
    if isinstance(user, StudentTokenHolder):
        return NotebookHistory.objects.filter(class_ref=user.class_id, student=user.student_id)
    if user.is_admin:
        return NotebookHistory.objects.all()
    return NotebookHistory.objects.filter(Q(class_ref__in=classes_of(user).values("pk")) | Q(owner=user.pk))


def classes_taught_by(user: User) -> QuerySet[Class]:
    """Return the classes that the user may set up and grade in: not those where they are only an assistant."""
    if user.is_admin:
        return Class.objects.all()
    teaches = Q(staff__instructor=user.pk, staff__role="instructor")
    return Class.objects.filter(Q(instructor=user.pk) | teaches).distinct()


def of_other_teachers(user: User, student_ids: Collection[int]) -> set[int]:
    """Return those of these students who are, or were, in a class that this user does not teach: what is changed for
    all classes of a student is not theirs to change. Three queries; none for an admin."""
    if user.is_admin:
        return set()
    others = Class.objects.exclude(pk__in=classes_taught_by(user).values("pk")).values("pk")
    rows = (
        StudentClass.objects.filter(class_ref__in=others),
        StudentActivity.objects.filter(class_id__in=others),
        AssignmentSubmission.objects.filter(assignment__class_ref__in=others),
    )
    return {pk for found in rows for pk in found.filter(student__in=student_ids).values_list("student", flat=True)}


def may_teach_class(user: User, class_id: int) -> bool:
    return classes_taught_by(user).filter(pk=class_id).exists()


def may_make_classes(user: User) -> bool:
    """Return whether the user may create classes: all accounts but assistants."""
    return not user.is_assistant


def staff_of(class_id: int) -> set[int]:
    """Return the ids of the accounts that teach or assist in the class. Two queries."""
    owners = Class.objects.filter(pk=class_id).exclude(instructor=None).values_list("instructor", flat=True)
    return {*owners, *ClassStaff.objects.filter(class_ref=class_id).values_list("instructor", flat=True)}


def class_ids_of(user: User) -> list[int]:
    return list(classes_of(user).values_list("pk", flat=True))


def class_ids_by_account(account_ids: Collection[int]) -> dict[int, set[int]]:
    """Return the ids of the classes that each of these accounts teaches or assists in; admins' too. Two queries."""
    found: dict[int, set[int]] = {pk: set() for pk in account_ids}
    owned = Class.objects.filter(instructor__in=account_ids).values_list("instructor", "pk")
    helped = ClassStaff.objects.filter(instructor__in=account_ids).values_list("instructor", "class_ref")
    for account_id, class_id in (*owned, *helped):
        if account_id is not None:
            found[account_id].add(class_id)
    return found


def may_see_class(user: User, class_id: int) -> bool:
    return classes_of(user).filter(pk=class_id).exists()
