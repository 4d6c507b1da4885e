"""Keeping contents: a snapshot is a content at a path in a history. Whoever keeps the same again finds it kept.

The hash is the caller's: `lms.api.notebook_content.receipt`, the same by which a hand-in is receipted.
"""

import json
from dataclasses import dataclass
from typing import Any

from core.identity import visible
from core.validators import MAX_BIGINT
from lms.models import (
    AssignmentSubmission,
    Notebook,
    NotebookHistory,
    NotebookSnapshot,
    StoredNotebook,
    StudentClass,
)
from lms.notebooks.cells import PlainCell, cells_of
from lms.versions.cells import kernel_of, metadata_of

SHORT = 16  # digits of a hash that name a snapshot
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Author:
    """As the client says it; nobody checks it."""

    author_id: str = ANONYMOUS
    author_name: str = ANONYMOUS


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose history it is: a class's, one of its students' in it, an account's, or nobody's."""

    class_id: int | None = None
    student_id: int | None = None
    account_id: int | None = None

    @classmethod
    def of(cls, history: NotebookHistory) -> "Owner":
        return cls(class_id=history.class_ref_id, student_id=history.student_id, account_id=history.owner_id)


def history_for(path: str, owner: Owner) -> NotebookHistory:
    """The history of that notebook, made where there is none; so is the notebook. Two queries where both are there."""
    name = path.rstrip("/").rpartition("/")[2] or path
    notebook, _ = Notebook.objects.defer("notebook_metadata").get_or_create(path=path, defaults={"name": name})
    whose: dict[str, Any] = {
        "class_ref_id": owner.class_id,
        "student_id": owner.student_id,
        "owner_id": owner.account_id,
    }
    found, _ = NotebookHistory.objects.get_or_create(notebook=notebook, **whose)
    return found


def keep_snapshot(
    path: str,
    content: dict[str, Any],
    *,
    sha256: str,
    owner: Owner,
    author: Author,
    metadata: dict[str, Any] | None = None,
) -> NotebookSnapshot:
    """Inside a transaction. The same content again is the same row, with `metadata` as given last; without, its old
    one stays. Five statements where the notebook is known."""
    size = len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
    stored = StoredNotebook(sha256=sha256, content=content, size=size)
    # What is there already is touched, so that nobody deletes it as unused before the snapshot refers to it.
    StoredNotebook.objects.bulk_create(
        [stored], update_conflicts=True, unique_fields=["sha256"], update_fields=["size"]
    )
    history = history_for(path, owner)
    row = NotebookSnapshot(
        snapshot_id=sha256[:SHORT],
        history=history,
        stored=stored,
        metadata=metadata or {},
        notebook_metadata=metadata_of(content),
        kernel_spec=kernel_of(content),
        author_id=author.author_id,
        author_name=author.author_name,
        **counters(cells_of(content)),
    )
    same = ["history", "snapshot_id"]
    if metadata is None:
        NotebookSnapshot.objects.bulk_create([row], ignore_conflicts=True)
    else:
        NotebookSnapshot.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=same, update_fields=["metadata"]
        )
    rows = NotebookSnapshot.objects.select_related("history__notebook", "stored")
    return rows.get(history=history, snapshot_id=sha256[:SHORT])


def counters(cells: list[PlainCell]) -> dict[str, int]:
    return {
        "total_cells": len(cells),
        "total_lines": sum(len(cell.source.splitlines()) for cell in cells),
        "total_characters": sum(len(cell.source) for cell in cells),
        "code_cells_count": sum(cell.kind == "code" for cell in cells),
        "markdown_cells_count": sum(cell.kind == "markdown" for cell in cells),
        "execution_count": min(max((cell.count or 0 for cell in cells), default=0), MAX_BIGINT),
    }


def keep_submission(submission: AssignmentSubmission) -> NotebookSnapshot | None:
    """What was handed in, in the history that this student has of the assignment's notebook. None where nothing was.
    Inside the transaction of the hand-in; again, it changes nothing but the number of the latest submission."""
    content = submission.notebook_content
    if content is None or submission.content_sha256 is None:
        return None
    assignment, student = submission.assignment, submission.student
    # What the class calls them: it is to be read there.
    enrolled = StudentClass.objects.filter(class_ref=assignment.class_ref_id, student=student)
    called = visible(enrolled.values_list("name", flat=True).first())
    return keep_snapshot(
        assignment.notebook.path,
        content,
        sha256=submission.content_sha256,
        owner=Owner(class_id=assignment.class_ref_id, student_id=student.pk),
        author=Author(author_id=student.email[:255], author_name=(called or student.email)[:255]),
        metadata={"submission": {"id": submission.pk, "assignment_id": assignment.pk, "student_id": student.pk}},
    )
