"""Response data of notebook versions: the snapshot, version and branch objects of http.md section 11."""

from collections.abc import Iterable
from typing import Any

from lms.models import NotebookBranch, NotebookSnapshot, NotebookVersion
from lms.versions.cells import last_execution_time, shown_cells
from lms.versions.comparison import VersionComparison

# Bytes of notebooks in one response. Versions beyond it come without cells and diffs.
MAX_CONTENT_BYTES = 4 * 1024 * 1024


def shown_snapshot(row: NotebookSnapshot, *, is_cut: bool = False) -> dict[str, Any]:
    content = row.stored.content
    return {
        "snapshot_id": row.snapshot_id,
        "notebook_path": row.history.notebook.path,
        "created_at": row.created_at,
        "notebook_metadata": row.notebook_metadata,
        "kernel_spec": row.kernel_spec,
        "cells": [] if is_cut else shown_cells(content),
        "is_cut": is_cut,
        "total_cells": row.total_cells,
        "total_lines": row.total_lines,
        "total_characters": row.total_characters,
        "code_cells_count": row.code_cells_count,
        "markdown_cells_count": row.markdown_cells_count,
        "execution_count": row.execution_count,
        "last_execution_time": last_execution_time(content),
        "metadata": row.metadata,
        "author_id": row.author_id,
        "author_name": row.author_name,
        "class_id": row.history.class_ref_id,
    }


def shown_version(row: NotebookVersion, *, is_cut: bool = False) -> dict[str, Any]:
    parent = row.parent_version
    row.snapshot.history = row.history  # the same row; saves a query
    return {
        "version_id": row.version_id,
        "commit_id": row.version_id,
        "notebook_path": row.history.notebook.path,
        "created_at": row.created_at,
        "version_number": row.version_number,
        "status": row.status,
        "commit_message": row.commit_message,
        "message": row.commit_message,
        "branch": row.branch.branch_name,
        "branch_name": row.branch.branch_name,
        "author_id": row.author_id,
        "author_name": row.author_name,
        "parent_version_id": parent.version_id if parent else None,
        "parent_version_number": parent.version_number if parent else None,
        "snapshot_id": row.snapshot.snapshot_id,
        "snapshot": shown_snapshot(row.snapshot, is_cut=is_cut),
        "diffs": [] if is_cut else row.shown_diffs,
        "total_changes": row.total_changes,
        "cells_added": row.cells_added,
        "cells_deleted": row.cells_deleted,
        "cells_modified": row.cells_modified,
        "cells_moved": row.cells_moved,
        "tags": row.tags,
        "metadata": row.metadata,
    }


def shown_versions(rows: Iterable[NotebookVersion]) -> list[dict[str, Any]]:
    """Return the versions; those beyond MAX_CONTENT_BYTES without cells and diffs."""
    shown, size = [], 0
    for row in rows:
        size += row.snapshot.stored.size * 2  # the diffs repeat much of the content
        shown.append(shown_version(row, is_cut=size > MAX_CONTENT_BYTES))
    return shown


def shown_branch(row: NotebookBranch) -> dict[str, Any]:
    return {
        "branch_id": row.branch_id,
        "name": row.branch_name,
        "branch_name": row.branch_name,
        "notebook_path": row.history.notebook.path,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "description": row.description,
        "current_version_id": row.current_version.version_id if row.current_version else None,
        "branched_from_version_id": row.branched_from_version.version_id if row.branched_from_version else None,
        "parent_branch": row.parent_branch.branch_name if row.parent_branch else None,
        "total_versions": row.total_versions,
        "last_commit_at": row.last_commit_at,
        "is_merged": row.is_merged,
        "merged_at": row.merged_at,
        "merged_into": row.merged_into_branch.branch_name if row.merged_into_branch else None,
        "metadata": row.metadata,
    }


def shown_comparison(old: NotebookVersion, new: NotebookVersion, found: VersionComparison) -> dict[str, Any]:
    return {
        "from_version_id": old.version_id,
        "to_version_id": new.version_id,
        "from_commit_id": old.version_id,
        "to_commit_id": new.version_id,
        "from_version_number": old.version_number,
        "to_version_number": new.version_number,
        "cell_diffs": found.cell_diffs,
        "summary": found.summary,
        "similarity_score": found.similarity,
        "change_significance": found.significance,
        "recommended_actions": found.advice,
    }
