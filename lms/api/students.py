"""Students: how a client learns the ids that submissions need (docs/contract/http.md section 5a)."""

from django.db.models import Prefetch, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from lms.access import User, classes_of, students_in, students_of, with_email
from lms.api.base import ApiView, find_or_404, page, path_id, query_id, query_text
from lms.api.openapi import PAGING, documented, row_filter, text_filter
from lms.identity import label_key
from lms.models import Student, StudentClass


class StudentResponse(serializers.ModelSerializer[Student]):
    team = serializers.CharField(source="team.team_name", default=None, read_only=True, allow_null=True)
    classes = serializers.SerializerMethodField()

    class Meta:
        model = Student
        fields = ["id", "email", "name", "team", "classes", "is_requesting_help", "last_activity_at"]
        read_only_fields = fields

    def get_classes(self, student: Student) -> list[int]:
        return [enrolment.class_ref_id for enrolment in student.enrolments.all()]


class StudentsView(ApiView):
    action = "list students"

    @documented(
        summary="Students",
        responses={200: StudentResponse(many=True)},
        parameters=[
            *PAGING,
            text_filter("email", "The student of this address, however it is spelt."),
            row_filter("class_id", "Only those of this class."),
            text_filter("team", "Only those of the team of this name."),
        ],
    )
    def get(self, request: Request) -> Response:
        rows = with_places(students_of(self.viewer), self.viewer)
        if email := query_text(request, "email"):
            rows = with_email(rows, email)
            self.looked_at(rows.values_list("pk", flat=True).first())
        if (class_id := query_id(request, "class_id")) is not None:
            rows = rows.filter(pk__in=students_in(classes_of(self.viewer).filter(pk=class_id)).values("pk"))
        if team := query_text(request, "team"):
            rows = rows.filter(team__team_key=label_key(team))
        return Response(StudentResponse(page(request, rows), many=True).data)


class StudentView(ApiView):
    action = "read a student"

    @documented(summary="One student", responses={200: StudentResponse}, errors=(404,))
    def get(self, request: Request, student_id: str) -> Response:
        rows = with_places(students_of(self.viewer), self.viewer)
        found = find_or_404(rows, path_id(student_id, "student_id"), "Student")
        self.looked_at(found.pk)
        return Response(StudentResponse(found).data)


def with_places(students: QuerySet[Student], viewer: User) -> QuerySet[Student]:
    """With their team and those of their classes that the viewer sees. One more query, however many students."""
    seen = StudentClass.objects.filter(class_ref__in=classes_of(viewer)).order_by("class_ref_id")
    return students.select_related("team").prefetch_related(Prefetch("enrolments", queryset=seen))
