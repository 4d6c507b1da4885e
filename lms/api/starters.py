"""The starter notebook of an assignment (docs/contract/http.md section 4). Students fetch it with the class key."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.openapi import documented
from instructors.rest.parameters import find_or_404, path_id
from lms.access import assignments_of
from lms.api.base import ApiView
from lms.api.notebook_content import receipt
from lms.api.permissions import ClassKeyOrLogin
from lms.models import AssignmentStarter
from lms.starters import file_name, prepared

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The `ETag` of an earlier answer."
)


class StarterResponse(serializers.Serializer[Any]):
    assignment_id = serializers.IntegerField()
    filename = serializers.CharField(help_text="Under which to save it.")
    content = serializers.DictField(help_text="A notebook of nbformat 4.5 or later; its metadata name the assignment.")
    content_sha256 = serializers.CharField(help_text="SHA-256 of the content as canonical JSON.")


class StarterView(ApiView):
    action = "fetch a starter notebook"
    key_methods = token_methods = frozenset({"GET"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="The starter notebook of an assignment",
        responses={200: StarterResponse, 304: None},
        errors=(404,),
        parameters=[IF_NONE_MATCH],
    )
    def get(self, request: Request, assignment_id: str) -> Response:
        """The `ETag` is the hash; 304 without a body for a client that has this version."""
        rows = assignments_of(self.viewer).select_related("notebook")
        assignment = find_or_404(rows, path_id(assignment_id, "assignment_id"), "Assignment")
        starter = AssignmentStarter.objects.filter(assignment=assignment).first()
        if starter is None:
            raise NotFound(f"Assignment with id {assignment.pk} has no starter notebook")
        starter.assignment = assignment
        content = prepared(starter)
        sha256 = receipt(content)
        headers = {"ETag": f'"{sha256}"', "Cache-Control": "private, no-cache"}
        if is_known(request.headers.get("If-None-Match", ""), sha256):
            return Response(status=304, headers=headers)
        data = {
            "assignment_id": assignment.pk,
            "filename": file_name(starter),
            "content": content,
            "content_sha256": sha256,
        }
        return Response(StarterResponse(data).data, headers=headers)


def is_known(if_none_match: str, sha256: str | None) -> bool:
    """Return whether the header names this version. Proxies that compress mark the tags as weak."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",")]
    return "*" in tags or sha256 in tags
