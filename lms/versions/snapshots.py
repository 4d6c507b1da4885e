"""Storing snapshots. A snapshot is a content at a path in a history; the same content again is the same snapshot.

The caller passes the hash, which is that of submissions too: `lms.api.notebook_content.receipt`.
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

ID_LENGTH = 16  # digits of the hash that are the id of a snapshot
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Author:
    """The author as the client sends it, unverified."""

    author_id: str = ANONYMOUS
    author_name: str = ANONYMOUS


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The owner of a history: a class, a student in a class, an account, or nobody."""

    class_id: int | None = None
    student_id: int | None = None
    account_id: int | None = None

    @classmethod
    def of(cls, history: NotebookHistory) -> "Owner":
        return cls(class_id=history.class_ref_id, student_id=history.student_id, account_id=history.owner_id)


def history_for(path: str, owner: Owner) -> NotebookHistory:
    """Return the history of this notebook. Notebook and history are created if missing. Two queries if both exist."""
    name = path.rstrip("/").rpartition("/")[2] or path
    notebook, _ = Notebook.objects.defer("notebook_metadata").get_or_create(path=path, defaults={"name": name})
    owner_columns: dict[str, Any] = {
        "class_ref_id": owner.class_id,
        "student_id": owner.student_id,
        "owner_id": owner.account_id,
    }
    found, _ = NotebookHistory.objects.get_or_create(notebook=notebook, **owner_columns)
    return found


def store_snapshot(
    path: str,
    content: dict[str, Any],
    *,
    sha256: str,
    owner: Owner,
    author: Author,
    metadata: dict[str, Any] | None = None,
) -> NotebookSnapshot:
    """Store a content and return its snapshot. The same content again is the same row; `metadata` replaces the earlier
    one unless it is None. Five statements if the notebook exists. Call it inside a transaction."""
    size = len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
    stored = StoredNotebook(sha256=sha256, content=content, size=size)
    # Updating an existing row locks it, so that it is not deleted as unused before the snapshot references it.
    StoredNotebook.objects.bulk_create(
        [stored], update_conflicts=True, unique_fields=["sha256"], update_fields=["size"]
    )
    history = history_for(path, owner)
    row = NotebookSnapshot(
        snapshot_id=sha256[:ID_LENGTH],
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
    return rows.get(history=history, snapshot_id=sha256[:ID_LENGTH])


def counters(cells: list[PlainCell]) -> dict[str, int]:
    return {
        "total_cells": len(cells),
        "total_lines": sum(len(cell.source.splitlines()) for cell in cells),
        "total_characters": sum(len(cell.source) for cell in cells),
        "code_cells_count": sum(cell.kind == "code" for cell in cells),
        "markdown_cells_count": sum(cell.kind == "markdown" for cell in cells),
        "execution_count": min(max((cell.count or 0 for cell in cells), default=0), MAX_BIGINT),
    }


def store_submission(submission: AssignmentSubmission) -> NotebookSnapshot | None:
    """Store a submission as a snapshot in the student's history of the assignment's notebook. Return None if it has no
    content. Call it in the transaction of the submission. The same content again only updates the submission's id."""
    content = submission.notebook_content
    if content is None or submission.content_sha256 is None:
        return None
    assignment, student = submission.assignment, submission.student
    # The name in this class, which reads the history.
    enrolled = StudentClass.objects.filter(class_ref=assignment.class_ref_id, student=student)
    name = visible(enrolled.values_list("name", flat=True).first())
    return store_snapshot(
        assignment.notebook.path,
        content,
        sha256=submission.content_sha256,
        owner=Owner(class_id=assignment.class_ref_id, student_id=student.pk),
        author=Author(author_id=student.email[:255], author_name=(name or student.email)[:255]),
        metadata={"submission": {"id": submission.pk, "assignment_id": assignment.pk, "student_id": student.pk}},
    )
