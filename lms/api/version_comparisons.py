"""Comparison of two notebook versions (docs/contract/http.md section 11)."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import Unprocessable
from instructors.rest.openapi import documented
from instructors.rest.parameters import validated
from lms.api.version_requests import ComparisonRequest, opaque
from lms.api.version_selectors import shown_comparison
from lms.api.version_serializers import ComparisonResponse
from lms.api.versions import VersionsView, either, object_of
from lms.versions.comparison import TooDifferent, compare


class ComparisonView(VersionsView):
    action = "compare versions"

    @documented(
        summary="Compare two versions",
        request=ComparisonRequest,
        responses={200: ComparisonResponse},
        errors=(404,),
        example={"from_commit_id": "0a1b2c3d4e5f", "to_commit_id": "1b2c3d4e5f60"},
    )
    def post(self, request: Request) -> Response:
        fields = validated(ComparisonRequest(data=object_of(request)))
        old = either(fields, "from_commit_id", "from_version_id")
        return Response(self.compared(old, either(fields, "to_commit_id", "to_version_id"), ["body"]))

    def compared(self, from_id: str, to_id: str, location: list[str]) -> dict[str, Any]:
        """Return the data of the response. Raises NotFound, and Unprocessable at `location` if the comparison fails."""
        old, new = self.version_or_404(from_id), self.version_or_404(to_id)
        try:
            found = compare(old.snapshot.stored, new.snapshot.stored)
        except TooDifferent:
            raise Unprocessable(location, "These notebooks are too large or too unusual to be compared") from None
        comparison = shown_comparison(old, new, found)
        return {
            "diff": found.unified(old.version_number, new.version_number),
            "changes": comparison["cell_diffs"],
            "statistics": comparison["summary"],
            "message": "Version comparison completed successfully",
            "comparison": comparison,
            "from_version_id": old.version_id,
            "to_version_id": new.version_id,
            "compared_at": timezone.now(),
        }


class PathComparisonView(ComparisonView):
    http_method_names = ["get", "head", "options"]

    @documented(
        summary="The same, by the ids in the address",
        responses={200: ComparisonResponse},
        errors=(404,),
        parameters=[opaque("from_id"), opaque("to_id")],
    )
    def get(self, request: Request, from_id: str, to_id: str) -> Response:
        return Response(self.compared(from_id, to_id, ["path"]))
