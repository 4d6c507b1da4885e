"""The only answers to "may this user see it?". No view fetches a row by its id without asking here.

What a user may not see does not exist for them: 404, never 403, so that ids tell nothing.

    classes       those they teach or assist in
    assignments   those of these classes
    submissions   those to these assignments
    students      those enrolled in these classes, as these classes see them
    activity      what came through these classes (`Scope`)
    notebooks     course material, and those that were used through these classes
    maps          those of these classes, and those of no class
    environments  the server's own, and those that were reported through these classes
    versions      the histories of notebooks in these classes, those of their students included, and their own
    an admin, and anyone while nobody has to log in: everything

A class key names a class and nobody in it, and classmates share it. What it reaches here, a view may let it write to;
what a view lets it read is what the class is set to do, never what a student is, did or was told.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from core.identity import email_key
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassAssignment,
    ClassKey,
    ClassroomMap,
    ClassStaff,
    ClassStudent,
    EnvironmentSnapshot,
    Notebook,
    NotebookHistory,
    Student,
)
from lms.models.people import WITHOUT_KEY


class User(Protocol):
    """What is asked of an account; `instructors.Instructor` is one."""

    @property
    def pk(self) -> int: ...

    @property
    def is_admin(self) -> bool: ...

    @property
    def is_assistant(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Through which classes activity is seen: what came with their keys; None stands for all there is.

    Every row of activity has a `class_id` (`lms.models.StudentActivity`). 0 is among the numbers where what came
    without a key counts too: in a copy that asks for no keys.
    """

    class_ids: tuple[int, ...] | None

    @classmethod
    def of(cls, class_ids: Iterable[int]) -> "Scope":
        keyless = () if settings.EVENTS_REQUIRE_KEY else (WITHOUT_KEY,)
        return cls((*class_ids, *keyless))

    def q(self, field: str = "class_id") -> Q:
        return Q() if self.class_ids is None else Q(**{f"{field}__in": self.class_ids})

    def sql(self, column: str = "class_id") -> str:
        """The same as an `AND …` for a statement; numbers of ours, so that they may stand in its text."""
        if self.class_ids is None:
            return ""
        return f"AND {column} IN ({', '.join(str(int(each)) for each in self.class_ids) or 'NULL'})"


EVERYTHING = Scope(None)


@dataclass(frozen=True)
class Anyone:
    """Whoever calls while nobody has to log in: sees everything, and is nobody."""

    pk: int = -1
    is_admin: bool = True
    is_assistant: bool = False


ANYONE = Anyone()


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What an ingest key opens: one class, to whoever has the key. It is nobody's account."""

    key_id: int
    class_id: int
    is_active: bool
    pk: int = -1
    is_admin: bool = False
    is_assistant: bool = False


def classes_of(user: User) -> QuerySet[Class]:
    """The classes this user teaches or assists in; for an admin all, for a key its own."""
    if isinstance(user, KeyHolder):
        return Class.objects.filter(pk=user.class_id)
    if user.is_admin:
        return Class.objects.all()
    return Class.objects.filter(Q(instructor=user.pk) | Q(staff__instructor=user.pk)).distinct()


def students_of(user: User) -> QuerySet[Student]:
    """The students of those classes; for an admin all, also those of no class."""
    if user.is_admin:
        return Student.objects.all()
    return Student.objects.filter(pk__in=students_in(classes_of(user)).values("pk"))


def scope_of(user: User) -> Scope:
    """Through which classes this user sees what students did. One query; none for an admin."""
    return EVERYTHING if user.is_admin else Scope.of(class_ids_of(user))


def students_seen_through(class_ids: "Iterable[int] | QuerySet[Any, Any]") -> QuerySet[ClassStudent]:
    """The students of these classes, each as the class sees them: a student of two of them is two rows."""
    ids = class_ids if isinstance(class_ids, QuerySet) else list(class_ids)
    return ClassStudent.objects.filter(class_id__in=ids, with_keyless=not settings.EVENTS_REQUIRE_KEY)


def students_seen_by(user: User) -> "QuerySet[Student]":
    """The students of this user with what may be seen of them: an admin sees the sum over all classes, others one row a
    student, as that class of theirs sees them in which they were active last. The rows are `ClassStudent`s then, which
    have the same columns."""
    if user.is_admin:
        return Student.objects.all()
    latest = F("last_activity_at").desc(nulls_last=True)
    rows = students_seen_through(classes_of(user).values("pk")).order_by("pk", latest, "class_id").distinct("pk")
    return cast("QuerySet[Student]", rows)


def with_email(students: QuerySet[Student], email: str) -> QuerySet[Student]:
    """The one of that address, however it is spelt."""
    return students.filter(email_key=email_key(email))


def students_in(classes: QuerySet[Class]) -> QuerySet[Student]:
    return Student.objects.filter(enrolments__class_ref__in=classes).distinct()


def assignments_of(user: User) -> QuerySet[ClassAssignment]:
    return ClassAssignment.objects.filter(class_ref__in=classes_of(user))


def submissions_of(user: User) -> QuerySet[AssignmentSubmission]:
    return AssignmentSubmission.objects.filter(assignment__class_ref__in=classes_of(user))


def notebooks_of(user: User) -> QuerySet[Notebook]:
    """Course material: what staff made, and what is an assignment in any class; and what students of this user used
    through their classes. How students call the notebooks of another class is nobody's business."""
    if user.is_admin:
        return Notebook.objects.all()
    classes = classes_of(user).values("pk")
    seen = Q(is_course_material=True) | Q(pk__in=ClassAssignment.objects.values("notebook"))
    # By the rows that say so: what a student is in now, opened or saved, and ran cells of.
    for rows in ("in_use_by", "accesses", "cells__progress"):
        used = Q(**{f"{rows}__class_id__in": classes})
        if not settings.EVENTS_REQUIRE_KEY:
            theirs = {f"{rows}__class_id": WITHOUT_KEY, f"{rows}__student__enrolments__class_ref__in": classes}
            used |= Q(**theirs)
        seen |= Q(pk__in=Notebook.objects.filter(used).order_by().values("pk"))
    return Notebook.objects.filter(seen)


def with_saves_seen(notebooks: QuerySet[Notebook], user: User) -> QuerySet[Notebook]:
    """The same notebooks, each with `saved_at`: when a student last saved it, through a class of this user. The row's
    own `last_modified` is of all classes, so that only an admin is told it. One subquery a row, by an index."""
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
    """Those that the classes have as assignments, and those that their students are in now."""
    set_as_work = Q(pk__in=ClassAssignment.objects.filter(class_ref__in=classes).values("notebook"))
    open_now = Q(pk__in=students_seen_through(classes.values("pk")).values("current_notebook"))
    return Notebook.objects.filter(set_as_work | open_now)


def shared_maps() -> QuerySet[ClassroomMap]:
    """The maps of no class, for everyone who may ask: clients in the field know one map for all."""
    return ClassroomMap.objects.filter(class_ref=None)


def maps_of(user: User) -> QuerySet[ClassroomMap]:
    """Whose pictures this user may see."""
    if user.is_admin:
        return ClassroomMap.objects.all()
    return ClassroomMap.objects.filter(Q(class_ref=None) | Q(class_ref__in=classes_of(user)))


def environments_of(user: User) -> QuerySet[EnvironmentSnapshot]:
    """Snapshots: the server's own, and what was reported through a class of this user; what was reported without a key
    of a student of theirs, in a copy that asks for none."""
    if user.is_admin:
        return EnvironmentSnapshot.objects.all()
    theirs = Q(class_ref__in=classes_of(user).values("pk"))
    if not settings.EVENTS_REQUIRE_KEY:
        theirs |= Q(class_ref=None, student__in=students_of(user).values("pk"))
    return EnvironmentSnapshot.objects.filter(Q(source=EnvironmentSnapshot.Source.SERVER) | theirs)


def histories_of(user: User) -> QuerySet[NotebookHistory]:
    """Versions are seen by whoever sees the history they are in. A key reaches those that it may write to: what was
    kept with keys of its class, and the work of no student."""
    if isinstance(user, KeyHolder):
        return NotebookHistory.objects.filter(class_ref=user.class_id, student=None)
    if user.is_admin:
        return NotebookHistory.objects.all()
    return NotebookHistory.objects.filter(Q(class_ref__in=classes_of(user).values("pk")) | Q(owner=user.pk))


def holder_of_key(key: str) -> KeyHolder | None:
    """The class whose ingest key this is; None for one that is unknown or revoked. One query."""
    valid = ClassKey.objects.filter(ClassKey.open_at(timezone.now()), key_hash=ClassKey.hash(key))
    found = valid.select_related("class_ref").first()
    return KeyHolder(found.pk, found.class_ref_id, found.class_ref.is_active) if found else None


def open_keys(key_ids: Collection[int]) -> set[int]:
    """Those of these keys that still open their class. One query."""
    valid = ClassKey.objects.filter(ClassKey.open_at(timezone.now()), pk__in=key_ids, class_ref__is_active=True)
    return set(valid.values_list("pk", flat=True))


def note_key_used(holder: KeyHolder) -> None:
    ClassKey.objects.filter(pk=holder.key_id).update(last_used_at=timezone.now())


def classes_taught_by(user: User) -> QuerySet[Class]:
    """The classes this user may set up and grade in: an assistant sees and helps, and no more."""
    if user.is_admin:
        return Class.objects.all()
    teaches = Q(staff__instructor=user.pk, staff__role="instructor")
    return Class.objects.filter(Q(instructor=user.pk) | teaches).distinct()


def may_teach_class(user: User, class_id: int) -> bool:
    return classes_taught_by(user).filter(pk=class_id).exists()


def may_make_classes(user: User) -> bool:
    """Everybody but accounts that were made to assist."""
    return not user.is_assistant


def staff_of(class_id: int) -> set[int]:
    """The accounts that teach or assist in the class. Two queries."""
    owners = Class.objects.filter(pk=class_id).exclude(instructor=None).values_list("instructor", flat=True)
    return {*owners, *ClassStaff.objects.filter(class_ref=class_id).values_list("instructor", flat=True)}


def class_ids_of(user: User) -> list[int]:
    return list(classes_of(user).values_list("pk", flat=True))


def may_see_class(user: User, class_id: int) -> bool:
    return classes_of(user).filter(pk=class_id).exists()
