"""Deleting rows of this app, whoever asks: pages, the API, the administration. No rows but these leave something behind
that no cascade takes along:

- what was handed in is kept as a snapshot of its student (`versions.keeping`), and the notebook itself once for all who
  have the same;
- the picture of a map is a file.

What is left of deletions before this module was there, or of one that died between its commit and its files,
`manage.py prune` finds (`orphans`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from lms.maps import DIRECTORY, forget_pictures, orphaned_pictures
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassroomMap,
    NotebookHistory,
    NotebookSnapshot,
    NotebookVersion,
    StoredNotebook,
    Student,
    SystemSetting,
)
from lms.models.settings import drop_cache

# How a row that goes is found from those that go with it.
MAPS: dict[type[Model], str] = {Class: "class_ref__in", ClassroomMap: "pk__in"}
SNAPSHOTS: dict[type[Model], str] = {
    Class: "history__class_ref__in",
    Student: "history__student__in",
    NotebookHistory: "history__in",
    NotebookSnapshot: "pk__in",
}
YOUNG = timedelta(hours=1)  # a picture that no row names yet
BATCH = 500


def delete_rows(rows: QuerySet[Any]) -> int:
    """Delete these rows of any table with all that hangs on them alone; files once that is settled. Returns how many
    rows of the table went. Raises ProtectedError and IntegrityError, and then nothing has gone, no file either."""
    model = rows.model
    with transaction.atomic():
        keys = list(rows.order_by().values_list("pk", flat=True))
        pictures, contents = _pictures(model, keys), _contents(model, keys)
        if model is AssignmentSubmission:
            contents |= _delete_submissions(keys)
        else:
            model._default_manager.filter(pk__in=keys).delete()
        forget_contents(contents)
        forget_pictures(pictures)
        if model is SystemSetting:
            transaction.on_commit(drop_cache)
    return len(keys)


def delete_row(row: Model) -> None:
    """The same of one row."""
    delete_rows(type(row)._default_manager.filter(pk=row.pk))


def _pictures(model: type[Model], keys: list[Any]) -> list[str]:
    if model not in MAPS:
        return []
    return list(ClassroomMap.objects.filter(**{MAPS[model]: keys}).values_list("image_filename", flat=True))


def _contents(model: type[Model], keys: list[Any]) -> set[str]:
    """The digests of contents that may be nobody's after these have gone."""
    path = "history__owner__in" if model is get_user_model() else SNAPSHOTS.get(model)
    if path is None:
        return set()
    return set(NotebookSnapshot.objects.filter(**{path: keys}).values_list("stored", flat=True))


def _delete_submissions(keys: list[int]) -> set[str]:
    """With their snapshots, but for those that another hand-in of the same student has too, and those that somebody
    has committed. Returns the digests of what the others kept. Four statements a batch."""
    gone: set[str] = set()
    for start in range(0, len(keys), BATCH):
        going = AssignmentSubmission.objects.filter(pk__in=keys[start : start + BATCH])
        found = list(_snapshots_of(going))
        going.delete()
        unused = dict(_unused(found).values_list("pk", "stored"))
        NotebookSnapshot.objects.filter(pk__in=unused).delete()
        gone.update(unused.values())
    return gone


def _snapshots_of(submissions: QuerySet[AssignmentSubmission]) -> QuerySet[NotebookSnapshot, int]:
    """The rows in which their contents are kept: that of now, and those that were changed since. One query, and its
    parameters with another."""
    mine = Q(pk__in=())
    for student, class_id, notebook, number, digest in submissions.values_list(
        "student", "assignment__class_ref", "assignment__notebook", "pk", "content_sha256"
    ):
        kept = Q(metadata__submission__id=number) | Q(stored=digest or "")
        mine |= kept & Q(history__student=student, history__class_ref=class_id, history__notebook=notebook)
    return NotebookSnapshot.objects.filter(mine).values_list("pk", flat=True)


def _unused(snapshots: list[int]) -> QuerySet[NotebookSnapshot]:
    same = AssignmentSubmission.objects.filter(
        student=OuterRef("history__student"),
        assignment__class_ref=OuterRef("history__class_ref"),
        assignment__notebook=OuterRef("history__notebook"),
        content_sha256=OuterRef("stored"),
    )
    committed = NotebookVersion.objects.filter(snapshot=OuterRef("pk"))
    return NotebookSnapshot.objects.filter(~Exists(same), ~Exists(committed), pk__in=snapshots)


def forget_contents(digests: Iterable[str]) -> int:
    """Those of these contents that no snapshot has any more. Whoever is about to keep one of them holds its row, so
    first they are waited for, and only then it is asked who has them. Returns how many went."""
    wanted = sorted(digests)
    if not wanted:
        return 0
    with transaction.atomic():
        held = list(
            StoredNotebook.objects.select_for_update().filter(pk__in=wanted).order_by("pk").values_list("pk", flat=True)
        )
        return unused_contents().filter(pk__in=held).delete()[0]


def unused_contents() -> QuerySet[StoredNotebook]:
    return StoredNotebook.objects.filter(~Exists(NotebookSnapshot.objects.filter(stored=OuterRef("pk"))))


@dataclass(frozen=True, slots=True)
class Orphans:
    contents: int
    pictures: int


def orphans(*, now: datetime) -> Orphans:
    """How many there are. Two queries."""
    return Orphans(unused_contents().count(), len(orphaned_pictures(before=now - YOUNG)))


def forget_orphans(*, now: datetime) -> Orphans:
    """Delete them, contents in small batches. May be stopped at any moment and run again."""
    contents = 0
    last = ""
    while batch := list(unused_contents().filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        contents += forget_contents(batch)
        last = batch[-1]
    pictures = orphaned_pictures(before=now - YOUNG)
    for name in pictures:
        default_storage.delete(f"{DIRECTORY}/{name}")
    return Orphans(contents, len(pictures))
