"""Branches of a notebook's history (docs/contract/http.md section 11)."""

import uuid

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from core.identity import notebook_path
from instructors.rest.exceptions import Conflict
from instructors.rest.openapi import documented, text_filter
from instructors.rest.parameters import validated
from lms.api.permissions import ClassKeyOrLogin
from lms.api.version_requests import BranchRequest, opaque
from lms.api.version_selectors import shown_branch
from lms.api.version_serializers import BranchesResponse, BranchResponse, NewBranchResponse
from lms.api.version_views import CLASS, ReadView, active_of
from lms.api.versions import VersionsView, either, object_of
from lms.versions.commits import NameTaken, make_branch
from lms.versions.lookup import branches_of
from lms.versions.snapshots import ANONYMOUS


class BranchesFromView(VersionsView):
    action = "create branch"
    key_methods = frozenset({"POST"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="Begin a branch at a version",
        request=BranchRequest,
        responses={201: NewBranchResponse},
        errors=(404, 409),
        example={"branch_name": "solution", "from_commit_id": "0a1b2c3d4e5f"},
    )
    def post(self, request: Request) -> Response:
        fields = validated(BranchRequest(data=object_of(request)))
        start = self.version_or_404(either(fields, "from_commit_id", "from_version_id"))
        path, name = fields.get("notebook_path"), fields["branch_name"]
        if path and notebook_path(path) != start.history.notebook.path:
            raise NotFound(f"Version {start.version_id} is none of {path}")
        self.refuse_unless_written(start.history)
        try:
            with transaction.atomic():
                made = make_branch(
                    name,
                    start=start,
                    created_by=fields.get("author_id") or ANONYMOUS,
                    description=fields.get("description"),
                    now=timezone.now(),
                )
                self.record_change("notebook_branch", made)
        except NameTaken:
            raise Conflict(f"Branch '{name}' already exists for this notebook") from None
        branch = shown_branch(branches_of(self.seen).get(pk=made.pk))
        summary = {each: branch[each] for each in ("branch_id", "name", "branch_name", "created_at")}
        return Response({**summary, "message": "Branch created successfully", "branch": branch}, status=201)


class BranchesView(ReadView):
    action = "get branches"

    @documented(
        summary="The branches of a notebook",
        responses={200: BranchesResponse},
        errors=(404,),
        parameters=[text_filter("notebook_path", "Of which notebook.", required=True), CLASS],
    )
    def get(self, request: Request) -> Response:
        history = self.history_or_404(request, None)
        rows = list(branches_of(self.seen).filter(history=history))
        shown = [shown_branch(row) for row in rows]
        merge_fields = ("is_merged", "merged_at", "merged_into")
        return Response(
            {
                "branches": shown,
                "active_branch": active_of(rows).branch_name,
                "merge_status": {row["name"]: {name: row[name] for name in merge_fields} for row in shown},
            }
        )


class BranchView(ReadView):
    action = "get branch information"

    @documented(summary="One branch", responses={200: BranchResponse}, errors=(404,), parameters=[opaque("branch_id")])
    def get(self, request: Request, branch_id: str) -> Response:
        rows = branches_of(self.seen)
        found = next((row for row in rows.filter(branch_id=branch_id)), None) if is_uuid(branch_id) else None
        if found is None:
            raise NotFound(f"Branch {branch_id} not found")
        return Response(
            {
                "message": "Branch information retrieved successfully",
                "branch": shown_branch(found),
                "branch_id": found.branch_id,
                "retrieved_at": timezone.now(),
            }
        )


def is_uuid(text: str) -> bool:
    """Return whether the text is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
