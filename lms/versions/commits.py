"""Committing and branching. The history's row is locked, so that of many at once each gets a number of its own.

The lock is NO KEY UPDATE: a row that points to the history, such as the snapshot made just before, locks its key, and
two commits that waited for each other's to end would be a deadlock.
"""

import secrets
from datetime import datetime

from django.db import transaction

from lms.models import NotebookBranch, NotebookHistory, NotebookSnapshot, NotebookVersion
from lms.versions.comparison import TooDifferent, compare
from lms.versions.snapshots import Author

MAIN = "main"


class NameTaken(Exception):
    """This history has a branch of that name."""


def commit(
    snapshot: NotebookSnapshot, *, branch_name: str, message: str, author: Author, now: datetime
) -> NotebookVersion:
    """A version of the snapshot on a branch of its history; the first commit makes the branch. Inside a transaction,
    which holds the history's row from here on: compare (`store_changes`) after it. Six statements."""
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
    while NotebookVersion.objects.filter(version_id=(made := secrets.token_hex(6))).exists():
        pass
    return made


def store_changes(version: NotebookVersion) -> None:
    """Store what changed since the parent. After the commit, because comparing takes seconds; what cannot be compared
    is left open, and a version without a parent has no changes."""
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
    """A branch that begins at a version. Raises NameTaken. Three statements."""
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
