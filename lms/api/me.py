"""The student's id, class and assignments, for a JupyterLab with the key of the class (http.md section 5a).

Classmates share the key, so of the student only the id is returned, which a submission needs.
"""

from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import Unprocessable
from instructors.rest.openapi import documented, text_filter
from instructors.rest.parameters import query_text
from lms.access import assignments_of, classes_of, students_of, with_email
from lms.api.base import ApiView
from lms.api.permissions import ClassKeyRequired
from lms.models import Class, ClassAssignment


class MyClass(serializers.ModelSerializer[Class]):
    class Meta:
        model = Class
        fields = ["id", "name", "class_code"]
        read_only_fields = fields


class MyAssignment(serializers.ModelSerializer[ClassAssignment]):
    notebook_path = serializers.CharField(source="notebook.path", read_only=True)
    submitted_at = serializers.SerializerMethodField(
        help_text="Null: when a student handed in is no classmate's matter."
    )

    class Meta:
        model = ClassAssignment
        fields = ["id", "title", "notebook_path", "due_date", "submitted_at"]
        read_only_fields = fields

    def get_submitted_at(self, assignment: ClassAssignment) -> datetime | None:
        """Return None: a class key does not prove which student the caller is."""
        return None


class Me(serializers.Serializer[Any]):
    student_id = serializers.IntegerField()
    classes = MyClass(many=True)
    assignments = MyAssignment(many=True)


class MeView(ApiView):
    action = "tell what a student has to do"
    permission_classes = (ClassKeyRequired,)
    key_methods = frozenset({"GET"})

    @documented(
        summary="A student's ids and assignments",
        responses={200: Me},
        errors=(404,),
        parameters=[text_filter("email", "The student's address.", required=True)],
    )
    def get(self, request: Request) -> Response:
        """Only the class of the key. For other classes of the student, send their keys."""
        email = query_text(request, "email")
        if not email:
            raise Unprocessable(["query", "email"], "Field required", "missing")
        student = with_email(students_of(self.viewer), email).first()
        if student is None:
            raise NotFound("Student not found")
        data = {
            "student_id": student.pk,
            "classes": classes_of(self.viewer),
            "assignments": assignments_of(self.viewer).select_related("notebook"),
        }
        return Response(Me(data).data)
