"""Extensions of an assignment's due date (docs/contract/http.md section 4). For staff only: with a student token, the
`due_date` of an assignment is the student's own."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import Unprocessable
from instructors.rest.fields import RawText
from instructors.rest.openapi import PAGING, documented
from instructors.rest.parameters import find_or_404, path_id, validated
from lms.access import assignments_of
from lms.api.base import ApiView
from lms.api.fields import PlausibleDateTime
from lms.api.permissions import refuse_unless_taught
from lms.due_date_extensions import NO_DUE_DATE, NOT_LATER, ExtensionRefused, extend, withdraw
from lms.models import ClassAssignment, DueDateExtension, Student

REFUSALS = {
    NO_DUE_DATE: "The assignment has no due date that could be extended",
    NOT_LATER: "An extension must be later than the due date of the assignment",
}


class ExtensionResponse(serializers.ModelSerializer[DueDateExtension]):
    assignment_id = serializers.IntegerField(read_only=True)
    student_id = serializers.IntegerField(read_only=True)

    class Meta:
        model = DueDateExtension
        fields = ["assignment_id", "student_id", "due_date", "reason", "granted_at"]
        read_only_fields = fields


class ExtensionFields(serializers.Serializer[Any]):
    due_date = PlausibleDateTime(
        whole_day=True,
        help_text="A time without seconds holds until the end of its minute, a date until the end of its day.",
    )
    reason = RawText(required=False, allow_null=True, default=None)


class ExtensionsView(ApiView):
    action = "list extensions"

    @documented(
        summary="Extensions of an assignment",
        responses={200: ExtensionResponse(many=True)},
        errors=(404,),
        parameters=PAGING,
    )
    def get(self, request: Request, assignment_id: str) -> Response:
        """The students who may hand in later. The later of their date and the assignment's holds."""
        rows = DueDateExtension.objects.filter(assignment=find_assignment(self, assignment_id))
        return Response(ExtensionResponse(self.paginate_queryset(rows), many=True).data)


class ExtensionView(ApiView):
    action = "grant an extension"

    @documented(
        summary="Extend the due date for one student",
        request=ExtensionFields,
        responses={200: ExtensionResponse},
        errors=(404,),
        example={"due_date": "2025-05-26T08:00:00Z", "reason": "Ill for a week"},
    )
    def put(self, request: Request, assignment_id: str, student_id: str) -> Response:
        """Replaces an earlier extension. The student must be in the class."""
        assignment = find_assignment(self, assignment_id)
        refuse_unless_taught(self.viewer, assignment.class_ref_id)
        fields = validated(ExtensionFields(data=request.data))
        members = Student.objects.filter(enrolments__class_ref=assignment.class_ref_id)
        student = find_or_404(members, path_id(student_id, "student_id"), "Student")
        try:
            granted = extend(
                assignment,
                student.pk,
                until=fields["due_date"],
                reason=fields["reason"],
                by=self.caller,
                request=request,
                now=timezone.now(),
            )
        except ExtensionRefused as refused:
            raise Unprocessable(["body", "due_date"], REFUSALS[refused.code]) from None
        return Response(ExtensionResponse(granted).data)

    @documented(summary="Withdraw an extension", responses={200: ExtensionResponse}, errors=(404,))
    def delete(self, request: Request, assignment_id: str, student_id: str) -> Response:
        """Returns the extension as it was."""
        assignment = find_assignment(self, assignment_id)
        refuse_unless_taught(self.viewer, assignment.class_ref_id)
        rows = DueDateExtension.objects.select_related("assignment")
        found = rows.filter(assignment=assignment, student=path_id(student_id, "student_id")).first()
        if found is None:
            raise NotFound("This student has no extension")
        deleted = ExtensionResponse(found).data
        withdraw(found, by=self.caller, request=request, now=timezone.now())
        return Response(deleted)


def find_assignment(view: ApiView, assignment_id: str) -> ClassAssignment:
    return find_or_404(assignments_of(view.viewer), path_id(assignment_id, "assignment_id"), "Assignment")
