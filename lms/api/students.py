"""Students, with the ids that submissions need (docs/contract/http.md section 5a)."""

from collections.abc import Sequence
from typing import NamedTuple, cast

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
    student_number = serializers.SerializerMethodField()
    reading = serializers.SerializerMethodField()

    class Meta:
        model = Student
        fields = [
            "id",
            "email",
            "name",
            "team",
            "classes",
            "is_requesting_help",
            "last_activity_at",
            "student_number",
            "reading",
        ]
        read_only_fields = fields

    def get_classes(self, student: Student) -> list[int]:
        return [enrolment.class_id for enrolment in self._enrolments(student)]

    def get_student_number(self, student: Student) -> str | None:
        return self._of_class(student, "student_number")

    def get_reading(self, student: Student) -> str | None:
        return self._of_class(student, "reading")

    def _of_class(self, student: Student, column: str) -> str | None:
        """Return the value of the class that was asked for, else of the newest class that has one."""
        if (class_id := self.context.get("class_id")) is not None:
            return next((getattr(e, column) for e in self._enrolments(student) if e.class_id == class_id), None)
        return next((text for e in reversed(self._enrolments(student)) if (text := getattr(e, column))), None)

    def _enrolments(self, student: Student) -> list["Enrolment"]:
        found: list[Enrolment] = self.context["enrolments"].get(student.pk, [])
        return found


class Enrolment(NamedTuple):
    class_id: int
    student_number: str | None
    reading: str | None


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
        context = {"enrolments": enrolments_of(found, self.viewer), "class_id": class_id}
        return Response(StudentResponse(found, many=True, context=context).data)


class StudentView(ApiView):
    action = "read a student"

    @documented(summary="One student", responses={200: StudentResponse}, errors=(404,))
    def get(self, request: Request, student_id: str) -> Response:
        rows = students_seen_by(self.viewer).select_related("team")
        found = find_or_404(rows, path_id(student_id, "student_id"), "Student")
        self.record_view(found.pk)
        return Response(StudentResponse(found, context={"enrolments": enrolments_of([found], self.viewer)}).data)


def enrolments_of(students: Sequence[Student], viewer: User) -> dict[int, list[Enrolment]]:
    """Return the enrolments of each student that the viewer sees, by student id, in order of classes. One query."""
    seen = StudentClass.objects.filter(student__in=[each.pk for each in students], class_ref__in=classes_of(viewer))
    found: dict[int, list[Enrolment]] = {}
    columns = ("student_id", "class_ref_id", "student_number", "reading")
    for student, *values in seen.order_by("class_ref_id").values_list(*columns):
        found.setdefault(student, []).append(Enrolment(*values))
    return found
