"""Students, with the ids that submissions need (docs/contract/http.md section 5a)."""

from collections.abc import Sequence
from typing import cast

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.identity import label_key
from instructors.rest.openapi import PAGING, documented, row_filter, text_filter
from instructors.rest.parameters import find_or_404, path_id, query_id, query_text
from lms.access import User, classes_of, students_seen_by, students_seen_through, with_email
from lms.api.base import ApiView
from lms.models import Student, StudentClass


class StudentResponse(serializers.ModelSerializer[Student]):
    team = serializers.CharField(source="team.team_name", default=None, read_only=True, allow_null=True)
    classes = serializers.SerializerMethodField()

    class Meta:
        model = Student
        fields = ["id", "email", "name", "team", "classes", "is_requesting_help", "last_activity_at"]
        read_only_fields = fields

    def get_classes(self, student: Student) -> list[int]:
        found: list[int] = self.context["classes"].get(student.pk, [])
        return found


class StudentsView(ApiView):
    action = "list students"

    @documented(
        summary="Students",
        responses={200: StudentResponse(many=True)},
        parameters=[
            *PAGING,
            text_filter("email", "The student with this address, in any spelling."),
            row_filter("class_id", "Only those of this class."),
            text_filter("team", "Only those of the team of this name."),
        ],
    )
    def get(self, request: Request) -> Response:
        rows = students_seen_by(self.viewer)
        if (class_id := query_id(request, "class_id")) is not None:  # as this class sees them
            this_class = classes_of(self.viewer).filter(pk=class_id).values("pk")
            rows = cast("QuerySet[Student]", students_seen_through(this_class).order_by("pk"))
        rows = rows.select_related("team")
        if email := query_text(request, "email"):
            rows = with_email(rows, email)
            self.record_view(rows.values_list("pk", flat=True).first())
        if team := query_text(request, "team"):
            rows = rows.filter(team__team_key=label_key(team))
        found = self.paginate_queryset(rows)
        return Response(StudentResponse(found, many=True, context={"classes": classes_in(found, self.viewer)}).data)


class StudentView(ApiView):
    action = "read a student"

    @documented(summary="One student", responses={200: StudentResponse}, errors=(404,))
    def get(self, request: Request, student_id: str) -> Response:
        rows = students_seen_by(self.viewer).select_related("team")
        found = find_or_404(rows, path_id(student_id, "student_id"), "Student")
        self.record_view(found.pk)
        return Response(StudentResponse(found, context={"classes": classes_in([found], self.viewer)}).data)


def classes_in(students: Sequence[Student], viewer: User) -> dict[int, list[int]]:
    """Return the ids of the classes of each student that the viewer sees, by student id. One query."""
    seen = StudentClass.objects.filter(student__in=[each.pk for each in students], class_ref__in=classes_of(viewer))
    found: dict[int, list[int]] = {}
    for student, class_id in seen.order_by("class_ref_id").values_list("student_id", "class_ref_id"):
        found.setdefault(student, []).append(class_id)
    return found
