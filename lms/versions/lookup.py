"""Queries for versions in the histories that a user may see (lms.access.histories_of)."""

from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from lms.models import (
    AssignmentSubmission,
    NotebookBranch,
    NotebookHistory,
    NotebookSnapshot,
    NotebookVersion,
)

Histories = QuerySet[NotebookHistory]


def empty_notebook() -> dict[str, Any]:
    return {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def find_snapshot(seen: Histories, snapshot_id: str, *, path: str) -> NotebookSnapshot | None:
    """Return the newest snapshot with this id, preferably one at `path`. One query."""
    rows = NotebookSnapshot.objects.filter(snapshot_id=snapshot_id, history__in=seen.values("pk"))
    rows = rows.select_related("history__notebook", "stored")
    if path:
        rows = rows.order_by(Coalesce(Q(history__notebook__path=path), False).desc(), "-pk")
    else:
        rows = rows.order_by("-pk")
    return rows.first()


def versions_of(seen: Histories) -> QuerySet[NotebookVersion]:
    """Return the versions with the related rows that responses show."""
    return NotebookVersion.objects.filter(history__in=seen.values("pk")).select_related(
        "snapshot__stored", "history__notebook", "branch", "parent_version"
    )


def find_version(seen: Histories, version_id: str) -> NotebookVersion | None:
    return versions_of(seen).filter(version_id=version_id).first()


def branches_of(seen: Histories) -> QuerySet[NotebookBranch]:
    return NotebookBranch.objects.filter(history__in=seen.values("pk")).select_related(
        "history__notebook", "current_version", "branched_from_version", "parent_branch", "merged_into_branch"
    )


def history_at(seen: Histories, path: str) -> NotebookHistory | None:
    """Return the history of this path with the latest commit, or None. One query."""
    branches = NotebookBranch.objects.filter(history__in=seen.filter(notebook__path=path).values("pk"))
    last = branches.exclude(last_commit_at=None).order_by("-last_commit_at", "-pk").select_related("history__notebook")
    found = last.first()
    return found.history if found else None


def newest_content(
    seen: Histories, submissions: QuerySet[AssignmentSubmission], path: str
) -> tuple[dict[str, Any], str | None]:
    """Return the newest content of this path and its hash, from a submission or a snapshot; an empty notebook if there
    is none. Two queries."""
    handed_in = submissions.filter(assignment__notebook__path=path, notebook_content__isnull=False)
    latest = handed_in.order_by("-submitted_at", "-pk").first()
    snapshots = NotebookSnapshot.objects.filter(history__in=seen.filter(notebook__path=path).values("pk"))
    snapshot = snapshots.select_related("stored").order_by("-created_at", "-pk").first()
    if latest is not None and (snapshot is None or snapshot.created_at <= latest.submitted_at):
        return latest.notebook_content or {}, latest.content_sha256
    return (snapshot.stored.content, snapshot.stored_id) if snapshot else (empty_notebook(), None)
