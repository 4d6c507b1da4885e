"""Submissions (docs/contract/http.md section 5). Students hand in with the class key or a token of their own.

A key identifies a class but no student, and classmates share it. It may create submissions of the class's students and
receives the receipt, but may read none. A token may create and read those of its student. With either, the time is the
server's, and `status`, `grade` and `feedback` are ignored. A client that got no answer sends its hand-in again with the
same `Idempotency-Key`.

An assistant may read all submissions and hand in for a student; only those who teach the class may set a grade, change
or delete.
"""

import re
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import Conflict, Unprocessable
from instructors.rest.fields import Name, Number, RawText, RowId
from instructors.rest.openapi import PAGING, documented, row_filter, text_filter
from instructors.rest.parameters import (
    find_or_404,
    path_id,
    query_boolean,
    query_id,
    query_text,
    validated,
)
from lms import grading
from lms.access import assignments_of, students_of, submissions_of, with_email
from lms.api.base import ApiView
from lms.api.fields import PlausibleDateTime
from lms.api.notebook_content import NotebookContent, NotebookParser, receipt
from lms.api.permissions import ClassKeyOrLogin, refuse_unless_taught
from lms.credential_holders import ClassKeyHolder, StudentTokenHolder
from lms.deletion import delete_row
from lms.due_dates import with_own_due
from lms.models import AssignmentSubmission, Student
from lms.submissions import SUBMITTED, late_by, with_attempt
from lms.versions.snapshots import store_submission

SENT_WITH_KEY = ("content_sha256", "submission_comment")
KEY_FORM = r"^[\x21-\x7e]{1,64}$"  # visible ASCII
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": KEY_FORM},
    OpenApiParameter.HEADER,
    description="Chosen by the client for one hand-in, such as a UUID. Sent again, it returns the first answer.",
)
WITH_CONTENT = OpenApiParameter(
    "content",
    {"type": "boolean", "default": True},
    description="With `0`, `notebook_content` is null; `content_sha256` shows whether there is one.",
)

EXAMPLE = {
    "assignment_id": 3,
    "student_id": 12,
    "notebook_content": {
        "cells": [{"cell_type": "code", "source": "print(1)", "metadata": {}, "outputs": [], "execution_count": 1}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    },
    "submission_comment": "Question 3 is missing",
}


class SubmissionResponse(serializers.ModelSerializer[AssignmentSubmission]):
    assignment_id = serializers.IntegerField(read_only=True)
    student_id = serializers.IntegerField(read_only=True)
    notebook_content = serializers.DictField(read_only=True, allow_null=True)
    content_sha256 = serializers.CharField(
        read_only=True, allow_null=True, help_text="The receipt: SHA-256 of the content as canonical JSON."
    )
    attempt = serializers.IntegerField(read_only=True, help_text="1 for the first hand-in, 2 for the next.")
    is_late = serializers.SerializerMethodField(help_text="Handed in after it was due for this student.")

    class Meta:
        model = AssignmentSubmission
        fields = [
            "id",
            "assignment_id",
            "student_id",
            "notebook_content",
            "submitted_at",
            "status",
            "grade",
            "feedback",
            "submission_comment",
            "content_sha256",
            "attempt",
            "is_late",
        ]
        read_only_fields = fields

    def get_is_late(self, submission: AssignmentSubmission) -> bool:
        return late_by(submission) is not None


class HandIn(serializers.Serializer[Any]):
    """The fields that a class key or student token may set."""

    assignment_id = RowId()
    student_id = RowId()
    notebook_content = NotebookContent(required=False, allow_null=True)
    submission_comment = RawText(required=False, allow_null=True)


class OwnHandIn(HandIn):
    student_id = RowId(required=False)


class NewSubmission(HandIn):
    submitted_at = PlausibleDateTime(required=False, help_text="Default: now.")
    status = Name(required=False, max_length=50, help_text="Default: `submitted`.")
    grade = Number(required=False, allow_null=True)
    feedback = RawText(required=False, allow_null=True)


class SubmissionChanges(serializers.Serializer[Any]):
    assignment_id = RowId()
    student_id = RowId()
    notebook_content = NotebookContent(allow_null=True)
    status = Name(max_length=50)
    grade = Number(allow_null=True)
    feedback = RawText(allow_null=True)


class SubmissionBase(ApiView):
    parser_classes = (NotebookParser,)

    def find(self, pk: int) -> AssignmentSubmission:
        return find_or_404(for_response(submissions_of(self.viewer)), pk, "Submission")

    def find_to_grade(self, submission_id: str) -> AssignmentSubmission:
        found = self.find(path_id(submission_id, "submission_id"))
        refuse_unless_taught(self.viewer, found.assignment.class_ref_id)
        return found

    def check_references(
        self, fields: dict[str, Any], *, is_grading: bool, found: AssignmentSubmission | None = None
    ) -> None:
        """Check that the named assignment and student exist and are visible, that the student is in the class of the
        assignment, and that the viewer may grade if `is_grading`. `found` is the submission that is changed. Raises
        NotFound, PermissionDenied."""
        assignment = found.assignment if found else None
        if "assignment_id" in fields:
            assignment = find_or_404(assignments_of(self.viewer), fields["assignment_id"], "Assignment")
            if is_grading:
                refuse_unless_taught(self.viewer, assignment.class_ref_id)
        student_id: int = fields["student_id"] if found is None else fields.get("student_id", found.student_id)
        if "student_id" in fields:
            find_or_404(students_of(self.viewer), student_id, "Student")
        is_named = bool(fields.keys() & {"assignment_id", "student_id"})
        if assignment is not None and is_named and self.holder is None and not self.viewer.is_admin:
            # Else the staff of the assignment's class would learn of a student whom only the caller sees elsewhere.
            find_or_404(Student.objects.filter(enrolments__class_ref=assignment.class_ref_id), student_id, "Student")


class SubmissionsView(SubmissionBase):
    action = "list or create submissions"
    key_methods = frozenset({"POST"})
    token_methods = frozenset({"GET", "POST"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="Submissions",
        responses={200: SubmissionResponse(many=True)},
        parameters=[
            *PAGING,
            row_filter("assignment_id", "Only those to this assignment."),
            row_filter("student_id", "Only those of this student."),
            text_filter("email", "Only those of the student of this address."),
            WITH_CONTENT,
        ],
    )
    def get(self, request: Request) -> Response:
        """With a student token, the student's own."""
        rows = for_response(submissions_of(self.viewer))
        assignment, student = query_id(request, "assignment_id"), query_id(request, "student_id")
        email = query_text(request, "email")
        if assignment is not None:
            rows = rows.filter(assignment=assignment)
        if student is not None:
            rows = rows.filter(student=student)
            self.record_view(students_of(self.viewer).filter(pk=student).values_list("pk", flat=True).first())
        if email:
            rows = rows.filter(student__in=with_email(Student.objects.all(), email))
            self.record_view(with_email(students_of(self.viewer), email).values_list("pk", flat=True).first())
        if query_boolean(request, "content", True):
            return Response(SubmissionResponse(self.paginate_queryset(rows), many=True).data)
        without = self.paginate_queryset(rows.defer("notebook_content"))
        for each in without or []:
            each.notebook_content = None
        return Response(SubmissionResponse(without, many=True).data)

    @documented(
        summary="Hand in",
        request=NewSubmission,
        responses={201: SubmissionResponse},
        errors=(404, 409),
        parameters=[IDEMPOTENCY_KEY],
        example=EXAMPLE,
    )
    def post(self, request: Request) -> Response:
        """The content must be a notebook and is stored as sent. Handing in again or late is accepted, and shown by
        `attempt` and `is_late`. With a class key or student token, `submitted_at`, `status`, `grade` and `feedback`
        are ignored; with a token, `student_id` may be left out. The receipt is `content_sha256`, `attempt` and
        `submitted_at`. With an `Idempotency-Key` that was used for this student and assignment nothing is stored, and
        the answer is the first one; 409 if the content or the comment differs."""
        fields = self.fields(request)
        self.check_references(fields, is_grading=not fields.keys() <= HandIn().fields.keys())
        columns = {**fields, "content_sha256": receipt(fields.get("notebook_content"))}
        with transaction.atomic():
            made, is_new = create_once(columns, idempotency_key(request))
            if is_new:
                store_submission(made)
                notify_student = grading.record(made, fields, before=None, by=self.caller, request=request)
        if is_new:
            notify_student()
        answer = self.find(made.pk)
        if not is_new:
            as_first_answered(answer, with_grade=not isinstance(self.holder, ClassKeyHolder))
        return Response(SubmissionResponse(answer).data, status=201)

    def fields(self, request: Request) -> dict[str, Any]:
        """Return the fields that the caller may set. Raises ValidationError."""
        if isinstance(self.holder, StudentTokenHolder):
            return {"student_id": self.holder.student_id, **validated(OwnHandIn(data=request.data))}
        return validated((NewSubmission if self.holder is None else HandIn)(data=request.data))


class SubmissionView(SubmissionBase):
    action = "read or change a submission"
    token_methods = frozenset({"GET"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(summary="One submission", responses={200: SubmissionResponse}, errors=(404,))
    def get(self, request: Request, submission_id: str) -> Response:
        found = self.find(path_id(submission_id, "submission_id"))
        self.record_view(found.student_id)
        return Response(SubmissionResponse(found).data)

    @documented(
        summary="Change or grade a submission",
        request=SubmissionChanges(partial=True),
        responses={200: SubmissionResponse},
        errors=(404,),
        example={"grade": 8.5, "feedback": "Well done", "status": "graded"},
    )
    def put(self, request: Request, submission_id: str) -> Response:
        """Absent keys are not changed. The student is notified of a grade, or of the status `graded`."""
        found = self.find_to_grade(submission_id)
        changes = validated(SubmissionChanges(data=request.data, partial=True))
        self.check_references(changes, is_grading=True, found=found)
        if "notebook_content" in changes:
            changes["content_sha256"] = receipt(changes["notebook_content"])
        with transaction.atomic():
            locked = find_or_404(grading.locked_submissions(), found.pk, "Submission")
            notify_student = grading.write(locked, changes, by=self.caller, request=request)
            if "notebook_content" in changes:
                store_submission(self.find(found.pk))
        notify_student()
        return Response(SubmissionResponse(self.find(found.pk)).data)

    @documented(summary="Delete a submission", responses={200: SubmissionResponse}, errors=(404,))
    def delete(self, request: Request, submission_id: str) -> Response:
        """Returns the submission as it was."""
        found = self.find_to_grade(submission_id)
        deleted = SubmissionResponse(found).data
        with transaction.atomic():
            self.record_change("submission_delete", found)
            delete_row(found)
        return Response(deleted)


def for_response(rows: QuerySet[AssignmentSubmission]) -> QuerySet[AssignmentSubmission]:
    """Add the assignment, and what SubmissionResponse needs: the student's due date, the number of the attempt."""
    return with_attempt(with_own_due(rows.select_related("assignment")))


def idempotency_key(request: Request) -> str | None:
    """Return the key in the header; None without one. Raises Unprocessable if it is too long or not visible ASCII."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return None
    if not re.match(KEY_FORM, key):
        place = ["header", "Idempotency-Key"]
        raise Unprocessable(place, "Input should be 1 to 64 visible ASCII characters", "string_pattern_mismatch")
    return key


def create_once(columns: dict[str, Any], key: str | None) -> tuple[AssignmentSubmission, bool]:
    """Create the submission, or return the one with this key of this student and assignment. Return also whether it is
    new. Of two concurrent requests, the second waits for the first. Call inside a transaction.

    Raises Conflict if the key was used for other work.
    """
    if key is None:
        return AssignmentSubmission.objects.create(**columns), True
    names = ("assignment_id", "student_id")
    sent = {name: columns.get(name) for name in SENT_WITH_KEY}
    found, is_new = AssignmentSubmission.objects.get_or_create(
        **{name: columns[name] for name in names},
        idempotency_key=key,
        defaults={**{name: value for name, value in columns.items() if name not in names}, "sent_with_key": sent},
    )
    # Rows of before 0015 have only what is stored now.
    first = found.sent_with_key or {name: getattr(found, name) for name in SENT_WITH_KEY}
    if not is_new and sent != first:
        raise Conflict("This Idempotency-Key was used for another hand-in; send a new one")
    return found, is_new


def as_first_answered(submission: AssignmentSubmission, *, with_grade: bool) -> None:
    """Give it the receipt of what was sent, which an instructor may have changed since. Not saved.

    `with_grade`: False for a class key, which does not prove whose submission it is.
    """
    if not with_grade:
        submission.status, submission.grade, submission.feedback = SUBMITTED, None, None
    for name, value in (submission.sent_with_key or {}).items():
        setattr(submission, name, value)
