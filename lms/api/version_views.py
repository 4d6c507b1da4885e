"""Views that read notebook versions: histories, versions, snapshots, statistics (docs/contract/http.md section 11)."""

from typing import Any

from django.db.models import Count, Max, Min
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import Unprocessable
from instructors.rest.openapi import LIMIT, documented, row_filter, text_filter
from instructors.rest.parameters import query_id, query_integer, query_text
from lms.api.version_requests import opaque
from lms.api.version_selectors import shown_branch, shown_snapshot, shown_version, shown_versions
from lms.api.version_serializers import (
    NotebookHistoryResponse,
    NotebookLatestResponse,
    NotebookSnapshotDetailResponse,
    NotebookStatsResponse,
    VersionResponse,
)
from lms.api.versions import VersionsView
from lms.models import NotebookBranch, NotebookHistory, NotebookSnapshot, NotebookVersion
from lms.versions.commits import MAIN
from lms.versions.lookup import branches_of, find_snapshot, history_at, versions_of

PATH = OpenApiParameter("notebook_path", str, OpenApiParameter.PATH, required=True, description="It may hold slashes.")
CLASS = row_filter("class_id", "The history of this class. Default: the visible history with the latest commit.")
ONLY_BRANCH = text_filter("branch", "Only the commits of this branch. Also `branch_name`.")


class ReadView(VersionsView):
    """A view for users who are logged in. A class key is not accepted: the versions are the work of classmates."""

    def history_or_404(self, request: Request, notebook_path: str | None) -> NotebookHistory:
        """Return the history of the notebook. Raises NotFound, and Unprocessable without a path."""
        path = query_text(request, "notebook_path") if notebook_path is None else notebook_path
        if not path:
            raise Unprocessable(["query", "notebook_path"], "Field required", "missing")
        seen, class_id = self.seen, query_id(request, "class_id")
        if class_id is not None:
            seen = seen.filter(class_ref=class_id)
        found = history_at(seen, path) if "\0" not in path else None
        if found is None:
            raise NotFound(f"No version history found for notebook '{path}'")
        self.record_view(found.student_id)
        return found


class HistoryView(ReadView):
    action = "get notebook history"

    @documented(
        summary="The commits of a notebook",
        responses={200: NotebookHistoryResponse},
        errors=(404,),
        parameters=[text_filter("notebook_path", "Of which notebook.", required=True), ONLY_BRANCH, CLASS, LIMIT],
    )
    def get(self, request: Request) -> Response:
        return self.answer(request, None)

    def answer(self, request: Request, notebook_path: str | None) -> Response:
        limit = query_integer(request, "limit", 100, minimum=1, maximum=1000)
        only = query_text(request, "branch") or query_text(request, "branch_name")
        history = self.history_or_404(request, notebook_path)
        branches = list(branches_of(self.seen).filter(history=history))
        active = active_of(branches)
        chosen = next((each for each in branches if each.branch_name == only), None) if only else active
        if chosen is None:
            raise NotFound(f"No branch '{only}' of notebook '{history.notebook.path}'")
        rows = versions_of(self.seen).filter(history=history).order_by("-pk")
        commits = shown_versions((rows.filter(branch=chosen) if only else rows)[:limit])
        return Response(
            {
                "commits": commits,
                "history": commits,
                "branch_info": {
                    **shown_branch(chosen),
                    "active_branch": active.branch_name,
                    "branches": [each.branch_name for each in branches],
                },
                "statistics": statistics_of(history, branches),
                "message": "Notebook history retrieved successfully",
                "notebook_path": history.notebook.path,
                "retrieved_at": timezone.now(),
            }
        )


class PathHistoryView(HistoryView):
    @documented(
        operation_id="notebook_version_history_by_path",
        summary="The same, by the path in the address",
        responses={200: NotebookHistoryResponse},
        errors=(404,),
        parameters=[PATH, ONLY_BRANCH, CLASS, LIMIT],
    )
    def get(self, request: Request, notebook_path: str) -> Response:  # type: ignore[override]
        return self.answer(request, notebook_path)


def active_of(branches: list[NotebookBranch]) -> NotebookBranch:
    """Return the branch with the latest commit. Every history that `history_at` finds has one."""
    committed = [(row.last_commit_at, row.pk, row) for row in branches if row.last_commit_at is not None]
    return max(committed)[2]


def statistics_of(history: NotebookHistory, branches: list[NotebookBranch]) -> dict[str, Any]:
    """Return the numbers of commits, authors, branches and snapshots of a history. Two queries."""
    versions = NotebookVersion.objects.filter(history=history)
    found = versions.aggregate(
        total_commits=Count("pk"),
        authors=Count("author_id", distinct=True),
        first_commit_at=Min("created_at"),
        last_commit_at=Max("created_at"),
    )
    snapshots = NotebookSnapshot.objects.filter(history=history).count()
    counts = {"total_branches": len(branches), "total_snapshots": snapshots, "total_versions": found["total_commits"]}
    return {**found, **counts}


class LatestView(ReadView):
    action = "get latest version"

    @documented(
        summary="The newest commit of a branch",
        responses={200: NotebookLatestResponse},
        errors=(404,),
        parameters=[
            text_filter("notebook_path", "Of which notebook.", required=True),
            text_filter("branch_name", "Default: `main`. Also `branch`."),
            CLASS,
        ],
    )
    def get(self, request: Request) -> Response:
        return self.answer(request, None)

    def answer(self, request: Request, notebook_path: str | None) -> Response:
        name = query_text(request, "branch_name") or query_text(request, "branch") or MAIN
        history = self.history_or_404(request, notebook_path)
        rows = versions_of(self.seen).filter(history=history, branch__branch_name=name)
        found = rows.order_by("-pk").first()
        if found is None:
            raise NotFound(f"No version of notebook '{history.notebook.path}' on branch '{name}'")
        return Response(
            {
                "message": "Latest version retrieved successfully",
                "version": shown_version(found),
                "version_id": found.version_id,
                "notebook_path": history.notebook.path,
                "branch_name": name,
                "branch": name,
                "retrieved_at": timezone.now(),
            }
        )


class PathLatestView(LatestView):
    @documented(
        operation_id="notebook_version_latest_by_path",
        summary="The same, by the path in the address",
        responses={200: NotebookLatestResponse},
        errors=(404,),
        parameters=[PATH, text_filter("branch_name", "Default: `main`. Also `branch`."), CLASS],
    )
    def get(self, request: Request, notebook_path: str) -> Response:  # type: ignore[override]
        return self.answer(request, notebook_path)


class VersionView(ReadView):
    action = "get notebook version"

    @documented(
        summary="One version", responses={200: VersionResponse}, errors=(404,), parameters=[opaque("version_id")]
    )
    def get(self, request: Request, version_id: str) -> Response:
        found = self.version_or_404(version_id)
        return Response(
            {
                "message": "Notebook version retrieved successfully",
                "version": shown_version(found),
                "version_id": found.version_id,
                "retrieved_at": timezone.now(),
            }
        )


class SnapshotView(ReadView):
    action = "get notebook snapshot"

    @documented(
        summary="One snapshot",
        responses={200: NotebookSnapshotDetailResponse},
        errors=(404,),
        parameters=[opaque("snapshot_id"), text_filter("notebook_path", "Default: the newest of that content.")],
    )
    def get(self, request: Request, snapshot_id: str) -> Response:
        found = find_snapshot(self.seen, snapshot_id, path=query_text(request, "notebook_path"))
        if found is None:
            raise NotFound(f"Snapshot {snapshot_id} not found")
        self.record_view(found.history.student_id)
        related = versions_of(self.seen).filter(snapshot=found).order_by("-pk")
        return Response(
            {
                "snapshot_data": found.stored.content,
                "metadata": found.metadata,
                "related_commits": shown_versions(related[:100]),
                "message": "Notebook snapshot retrieved successfully",
                "snapshot": shown_snapshot(found),
                "snapshot_id": found.snapshot_id,
                "retrieved_at": timezone.now(),
            }
        )


class StatsView(ReadView):
    action = "get version system stats"

    @documented(summary="Numbers of snapshots, commits and branches", responses={200: NotebookStatsResponse})
    def get(self, request: Request) -> Response:
        """Only histories that the caller sees count. `system_health` is `idle` if nothing was committed yet."""
        seen = self.seen.values("pk")
        snapshots = NotebookSnapshot.objects.filter(history__in=seen).count()
        branches = NotebookBranch.objects.filter(history__in=seen).aggregate(
            total=Count("pk"), active=Count("last_commit_at")
        )
        versions = NotebookVersion.objects.filter(history__in=seen).aggregate(
            total=Count("pk"), notebooks=Count("history__notebook", distinct=True), last=Max("created_at")
        )
        notebooks, commits = versions["notebooks"], versions["total"]
        return Response(
            {
                "total_snapshots": snapshots,
                "total_commits": commits,
                "active_branches": branches["active"],
                "message": "Version system stats retrieved successfully",
                "stats": {
                    "total_notebooks": notebooks,
                    "total_versions": commits,
                    "total_branches": branches["total"],
                    "total_snapshots": snapshots,
                    "last_commit_at": versions["last"],
                    "system_health": "healthy" if commits else "idle",
                    "average_versions_per_notebook": round(commits / notebooks, 2) if notebooks else 0.0,
                    "average_branches_per_notebook": round(branches["total"] / notebooks, 2) if notebooks else 0.0,
                },
                "retrieved_at": timezone.now(),
            }
        )
