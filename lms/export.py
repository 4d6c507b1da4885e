"""Export of submissions and their grades as a table."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from import_export import fields, resources, widgets
from import_export.formats.base_formats import CSV

from core.time_formats import moment_cell
from lms.models import AssignmentSubmission, StudentClass
from lms.spreadsheets import harmless

FORMATS = [CSV]


class PlainText(widgets.CharWidget):  # type: ignore[misc]
    """A text that a spreadsheet does not run as a formula: students write names and comments."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return harmless("" if value is None else str(value))


class OffsetDateTimeWidget(widgets.Widget):  # type: ignore[misc]
    """A time in the server's zone with its UTC offset: `2026-11-28 16:31:42+09:00`."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return moment_cell(value)


def text(path: str, name: str) -> fields.Field:
    return fields.Field(attribute=path, column_name=name, widget=PlainText())


class SubmissionResource(resources.ModelResource):  # type: ignore[misc]
    class_code = text("assignment__class_ref__class_code", "class_code")
    assignment = text("assignment__title", "assignment")
    email = text("student__email", "email")
    name = text("student__name", "name")
    student_number = fields.Field(column_name="student_number", widget=PlainText())
    reading = fields.Field(column_name="reading", widget=PlainText())
    submitted_at = fields.Field(attribute="submitted_at", column_name="submitted_at", widget=OffsetDateTimeWidget())
    status = text("status", "status")
    feedback = text("feedback", "feedback")
    submission_comment = text("submission_comment", "submission_comment")

    class Meta:
        model = AssignmentSubmission
        fields = [
            "id",
            "class_code",
            "assignment",
            "email",
            "name",
            "submitted_at",
            "status",
            "grade",
            "feedback",
            "submission_comment",
            "content_sha256",
            "student_number",
            "reading",
        ]
        export_order = fields

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        """Add what the class of each hand-in knows of its student; rows in a list have it already."""
        if not isinstance(queryset, QuerySet):
            return queryset
        enrolment = StudentClass.objects.filter(
            student=OuterRef("student"), class_ref=OuterRef("assignment__class_ref")
        )
        columns = {name: Subquery(enrolment.values(name)[:1]) for name in ("student_number", "reading")}
        return queryset.annotate(**columns)

    def dehydrate_student_number(self, submission: AssignmentSubmission) -> str:
        return harmless(getattr(submission, "student_number", None) or "")

    def dehydrate_reading(self, submission: AssignmentSubmission) -> str:
        return harmless(getattr(submission, "reading", None) or "")
