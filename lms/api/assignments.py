"""Assignments of a class (docs/contract/http.md section 4). Students list them with the key of the class."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import Conflict
from instructors.rest.fields import Name, Number, RawText, RowId
from instructors.rest.openapi import PAGING, documented, row_filter
from instructors.rest.parameters import change, find_or_404, path_id, query_id, validated
from lms.access import assignments_of, classes_of, notebooks_of
from lms.api.base import ApiView
from lms.api.fields import PlausibleDateTime
from lms.api.permissions import ClassKeyOrLogin, refuse_unless_taught
from lms.credential_holders import ClassKeyHolder, StudentTokenHolder
from lms.deletion import delete_row
from lms.due_dates import extended_dates, own_due
from lms.models import ClassAssignment
from lms.notices import announce_assignment

EXAMPLE = {
    "class_id": 1,
    "notebook_id": 7,
    "title": "Loops",
    "description": None,
    "due_date": "2025-05-12T08:00:00Z",
    "points": 10,
}


class AssignmentResponse(serializers.ModelSerializer[ClassAssignment]):
    class_id = serializers.IntegerField(source="class_ref_id", read_only=True)
    notebook_id = serializers.IntegerField(read_only=True)

    class Meta:
        model = ClassAssignment
        fields = [
            "id",
            "class_id",
            "notebook_id",
            "title",
            "description",
            "due_date",
            "points",
            "weight",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class AssignmentFields(serializers.Serializer[Any]):
    class_id = RowId(source="class_ref_id")
    notebook_id = RowId()
    title = Name(max_length=255)
    description = RawText(required=False, allow_null=True)
    due_date = PlausibleDateTime(
        required=False,
        allow_null=True,
        whole_day=True,
        help_text="A time without seconds holds until the end of its minute, a date until the end of its day.",
    )
    points = Number(required=False, allow_null=True)
    weight = Number(required=False, min_value=0, help_text="In the totals of the gradebook. Default: 1.")


class AssignmentsView(ApiView):
    action = "list or create assignments"
    key_methods = token_methods = frozenset({"GET"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="Assignments",
        responses={200: AssignmentResponse(many=True)},
        parameters=[*PAGING, row_filter("class_id", "Only those of this class.")],
    )
    def get(self, request: Request) -> Response:
        """With a student token, `due_date` is the student's own: the later one, if they have an extension."""
        rows = assignments_of(self.viewer)
        if (class_id := query_id(request, "class_id")) is not None:
            rows = rows.filter(class_ref=class_id)
        found = self.paginate_queryset(rows) or []
        set_own_due(found, self.holder)
        return Response(AssignmentResponse(found, many=True).data)

    @documented(
        summary="Create an assignment",
        request=AssignmentFields,
        responses={201: AssignmentResponse},
        errors=(404,),
        example=EXAMPLE,
    )
    def post(self, request: Request) -> Response:
        fields = validated(AssignmentFields(data=request.data))
        check_references(self, fields)
        with transaction.atomic():
            made = ClassAssignment.objects.create(**fields)
            self.record_change("assignment_create", made)
        announce_assignment(made)
        return Response(AssignmentResponse(made).data, status=201)


class AssignmentView(ApiView):
    action = "read or change an assignment"
    key_methods = token_methods = frozenset({"GET"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(summary="One assignment", responses={200: AssignmentResponse}, errors=(404,))
    def get(self, request: Request, assignment_id: str) -> Response:
        """With a student token, `due_date` is the student's own."""
        found = self.find(assignment_id)
        set_own_due([found], self.holder)
        return Response(AssignmentResponse(found).data)

    @documented(
        summary="Change an assignment",
        request=AssignmentFields(partial=True),
        responses={200: AssignmentResponse},
        errors=(404,),
        example={"due_date": "2025-05-19T08:00:00Z"},
    )
    def put(self, request: Request, assignment_id: str) -> Response:
        """Absent keys are not changed. To move an assignment to another class, the caller must teach both."""
        found = self.find(assignment_id)
        refuse_unless_taught(self.viewer, found.class_ref_id)
        changes = validated(AssignmentFields(data=request.data, partial=True))
        check_references(self, changes)
        with transaction.atomic():
            change(found, changes)
            if changes:
                self.record_change("assignment_update", found, fields=changes)
        return Response(AssignmentResponse(found).data)

    @documented(summary="Delete an assignment", responses={200: AssignmentResponse}, errors=(404, 409))
    def delete(self, request: Request, assignment_id: str) -> Response:
        """Returns the assignment as it was. An assignment with submissions is not deleted."""
        found = self.find(assignment_id)
        refuse_unless_taught(self.viewer, found.class_ref_id)
        deleted = AssignmentResponse(found).data
        try:
            with transaction.atomic():
                self.record_change("assignment_delete", found)
                delete_row(found)
        except (ProtectedError, IntegrityError):
            raise Conflict(f"Assignment with id {deleted['id']} still has submissions") from None
        return Response(deleted)

    def find(self, assignment_id: str) -> ClassAssignment:
        return find_or_404(assignments_of(self.viewer), path_id(assignment_id, "assignment_id"), "Assignment")


def set_own_due(assignments: Sequence[ClassAssignment], holder: ClassKeyHolder | StudentTokenHolder | None) -> None:
    """Give the assignments the due dates of the student whose token was sent. One query. Not saved."""
    if not isinstance(holder, StudentTokenHolder):
        return
    extended = extended_dates(assignments, students=[holder.student_id])
    for each in assignments:
        each.due_date = own_due(each, extended.get((each.pk, holder.student_id)))


def check_references(view: ApiView, fields: dict[str, Any]) -> None:
    """Check that the named class and notebook exist and may be used. Raises NotFound, and PermissionDenied for an
    assistant of the class."""
    if "class_ref_id" in fields:
        named = find_or_404(classes_of(view.viewer), fields["class_ref_id"], "Class")
        refuse_unless_taught(view.viewer, named.pk)
    if "notebook_id" in fields:
        find_or_404(notebooks_of(view.viewer), fields["notebook_id"], "Notebook")
