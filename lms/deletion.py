"""Deletion of rows, for pages, the API and the admin site, with what no cascade deletes:

- snapshots of submissions (`lms.versions.snapshots`), and contents that no other snapshot uses;
- the files of pictures of maps.

`manage.py prune` deletes what was left by earlier versions, or by a process that died between the commit and the files
(`orphans`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from lms.maps import DIRECTORY, delete_pictures, orphaned_pictures
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassroomMap,
    NotebookHistory,
    NotebookSnapshot,
    NotebookVersion,
    Room,
    StoredNotebook,
    Student,
    SystemSetting,
)
from lms.models.settings import drop_cache

# Lookups of the maps and snapshots that are deleted with rows of a model.
MAPS: dict[type[Model], str] = {Class: "class_ref__in", ClassroomMap: "pk__in", Room: "room__in"}
SNAPSHOTS: dict[type[Model], str] = {
    Class: "history__class_ref__in",
    Student: "history__student__in",
    NotebookHistory: "history__in",
    NotebookSnapshot: "pk__in",
}
GRACE_PERIOD = timedelta(hours=1)  # a newer picture may get its row yet
BATCH = 500


def delete_rows(rows: QuerySet[Any]) -> int:
    """Delete these rows of any table with all that only they use; files after the commit. Return how many rows of the
    table were deleted. Raises ProtectedError and IntegrityError; then nothing is deleted."""
    model = rows.model
    with transaction.atomic():
        keys = list(rows.order_by().values_list("pk", flat=True))
        pictures, contents = _pictures(model, keys), _contents(model, keys)
        if model is AssignmentSubmission:
            contents |= _delete_submissions(keys)
        else:
            model._default_manager.filter(pk__in=keys).delete()
        delete_unused_contents(contents)
        delete_pictures(pictures)
        if model is SystemSetting:
            transaction.on_commit(drop_cache)
    return len(keys)


def delete_row(row: Model) -> None:
    """Delete one row, as `delete_rows` does."""
    delete_rows(type(row)._default_manager.filter(pk=row.pk))


def _pictures(model: type[Model], keys: list[Any]) -> list[str]:
    """Return the filenames of the pictures that are deleted with these rows."""
    if model not in MAPS:
        return []
    return list(ClassroomMap.objects.filter(**{MAPS[model]: keys}).values_list("image_filename", flat=True))


def _contents(model: type[Model], keys: list[Any]) -> set[str]:
    """Return the digests of contents that may be unused after the deletion of these rows."""
    path = "history__owner__in" if model is get_user_model() else SNAPSHOTS.get(model)
    if path is None:
        return set()
    return set(NotebookSnapshot.objects.filter(**{path: keys}).values_list("stored", flat=True))


def _delete_submissions(keys: list[int]) -> set[str]:
    """Delete submissions and their snapshots, except snapshots that another submission of the same student has too or
    that were committed. Return the digests of the deleted snapshots. Four statements a batch."""
    deleted: set[str] = set()
    for start in range(0, len(keys), BATCH):
        batch = AssignmentSubmission.objects.filter(pk__in=keys[start : start + BATCH])
        found = list(_snapshots_of(batch))
        batch.delete()
        unused = dict(_unused(found).values_list("pk", "stored"))
        NotebookSnapshot.objects.filter(pk__in=unused).delete()
        deleted.update(unused.values())
    return deleted


def _snapshots_of(submissions: QuerySet[AssignmentSubmission]) -> QuerySet[NotebookSnapshot, int]:
    """Return the snapshots of the submissions' contents, current and earlier ones. Two queries."""
    condition = Q(pk__in=())
    for student, class_id, notebook, number, digest in submissions.values_list(
        "student", "assignment__class_ref", "assignment__notebook", "pk", "content_sha256"
    ):
        same_content = Q(metadata__submission__id=number) | Q(stored=digest or "")
        condition |= same_content & Q(history__student=student, history__class_ref=class_id, history__notebook=notebook)
    return NotebookSnapshot.objects.filter(condition).values_list("pk", flat=True)


def _unused(snapshots: list[int]) -> QuerySet[NotebookSnapshot]:
    """Filter snapshots that no submission has and that were not committed."""
    same = AssignmentSubmission.objects.filter(
        student=OuterRef("history__student"),
        assignment__class_ref=OuterRef("history__class_ref"),
        assignment__notebook=OuterRef("history__notebook"),
        content_sha256=OuterRef("stored"),
    )
    committed = NotebookVersion.objects.filter(snapshot=OuterRef("pk"))
    return NotebookSnapshot.objects.filter(~Exists(same), ~Exists(committed), pk__in=snapshots)


def delete_unused_contents(digests: Iterable[str]) -> int:
    """Delete those of these contents that no snapshot uses. Return their number.

    A transaction that stores a snapshot locks its content, so the rows are locked before they are checked for use.
    """
    wanted = sorted(digests)
    if not wanted:
        return 0
    with transaction.atomic():
        locked = list(
            StoredNotebook.objects.select_for_update().filter(pk__in=wanted).order_by("pk").values_list("pk", flat=True)
        )
        return unused_contents().filter(pk__in=locked).delete()[0]


def unused_contents() -> QuerySet[StoredNotebook]:
    return StoredNotebook.objects.filter(~Exists(NotebookSnapshot.objects.filter(stored=OuterRef("pk"))))


@dataclass(frozen=True, slots=True)
class Orphans:
    """Numbers of unused contents and of pictures without a row."""

    contents: int
    pictures: int


def orphans(*, now: datetime) -> Orphans:
    """Count the orphans. Two queries."""
    return Orphans(unused_contents().count(), len(orphaned_pictures(before=now - GRACE_PERIOD)))


def delete_orphans(*, now: datetime) -> Orphans:
    """Delete the orphans, contents in small batches. It can be interrupted at any moment and run again."""
    contents = 0
    last = ""
    while batch := list(unused_contents().filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        contents += delete_unused_contents(batch)
        last = batch[-1]
    pictures = orphaned_pictures(before=now - GRACE_PERIOD)
    for name in pictures:
        default_storage.delete(f"{DIRECTORY}/{name}")
    return Orphans(contents, len(pictures))
