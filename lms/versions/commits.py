"""Commits and branches. The row of the history is locked, so that concurrent commits get different numbers.

The lock is NO KEY UPDATE: inserting a row that references the history, such as the snapshot, locks its key, so that two
commits could deadlock with a stronger lock.
"""

import secrets
from datetime import datetime

from django.db import transaction

from lms.models import NotebookBranch, NotebookHistory, NotebookSnapshot, NotebookVersion
from lms.versions.comparison import TooDifferent, compare
from lms.versions.snapshots import Author

MAIN = "main"


class NameTaken(Exception):
    """The history already has a branch with this name."""


def commit(
    snapshot: NotebookSnapshot, *, branch_name: str, message: str, author: Author, now: datetime
) -> NotebookVersion:
    """Commit the snapshot to a branch of its history; the first commit creates the branch. Six statements.

    Call it inside a transaction, which then holds the lock of the history. Call `store_changes` after it.
    """
    history = NotebookHistory.objects.select_for_update(no_key=True).get(pk=snapshot.history_id)
    branch, _ = NotebookBranch.objects.get_or_create(
        history=history, branch_name=branch_name, defaults={"created_by": author.author_id, "created_at": now}
    )
    number = branch.total_versions + 1
    made = NotebookVersion.objects.create(
        version_id=_new_id(),
        history=history,
        branch=branch,
        snapshot=snapshot,
        version_number=f"v{number}.0.0" if branch_name == MAIN else f"{branch_name}-v{number}.0.0",
        commit_message=message,
        author_id=author.author_id,
        author_name=author.author_name,
        parent_version_id=branch.current_version_id or branch.branched_from_version_id,
        created_at=now,
    )
    branch.current_version, branch.total_versions, branch.last_commit_at = made, number, now
    branch.save(update_fields=["current_version", "total_versions", "last_commit_at"])
    return made


def _new_id() -> str:
    """Return an unused version id."""
    while NotebookVersion.objects.filter(version_id=(made := secrets.token_hex(6))).exists():
        pass
    return made


def store_changes(version: NotebookVersion) -> None:
    """Compute and store the changes since the parent. Without a parent, or if the comparison fails, store nothing.

    Call it after the commit of the transaction, because a comparison takes seconds.
    """
    parent = version.parent_version
    if parent is None:
        return
    try:
        found = compare(parent.snapshot.stored, version.snapshot.stored)
    except TooDifferent:
        return
    summary = found.summary
    version.diffs, version.total_changes = found.cell_diffs, summary["total_changes"]
    counts = ("cells_added", "cells_deleted", "cells_modified", "cells_moved")
    for name in counts:
        setattr(version, name, summary[name])
    version.save(update_fields=["diffs", "total_changes", *counts])


def make_branch(
    name: str, *, start: NotebookVersion, created_by: str, description: str | None, now: datetime
) -> NotebookBranch:
    """Create a branch that begins at a version. Raises NameTaken. Three statements."""
    with transaction.atomic():
        NotebookHistory.objects.select_for_update(no_key=True).get(pk=start.history_id)
        made, is_new = NotebookBranch.objects.get_or_create(
            history_id=start.history_id,
            branch_name=name,
            defaults={
                "created_by": created_by,
                "description": description,
                "branched_from_version": start,
                "parent_branch_id": start.branch_id,
                "created_at": now,
            },
        )
    if not is_new:
        raise NameTaken
    return made
