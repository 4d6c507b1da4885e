"""The admin site of assignments and submissions. `lms.grading` writes grades, as for the pages and the API."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext
from import_export.admin import ExportMixin

from instructors.permissions import account_of
from lms import grading
from lms.admin.base import LargeTableAdmin, ModelForm, TabularInline
from lms.due_date_extensions import ExtensionRefused, extend, refuse_unless_later, withdraw
from lms.export import FORMATS, SubmissionResource
from lms.models import (
    AssignmentSubmission,
    ClassAssignment,
    DueDateExtension,
    StudentClass,
)
from lms.spreadsheets import ENCODING


class SeenField(forms.CharField):
    """The version token of the row as the page showed it. Never a change of its own."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class GradeForm(ModelForm):
    """A submission. What was typed is compared with what the page showed, so that a row that nobody touched is left as
    it is; a grade is refused if somebody graded after the page was shown."""

    seen = SeenField(required=False)
    graded = ("status", "grade", "feedback")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.locked: AssignmentSubmission | None = None
        self.changes: dict[str, Any] = {}
        if self.instance.pk:
            self.initial["seen"] = grading.version_token(self.instance)
            for name in self.graded:
                self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        """Lock the row if something was changed, and compare. Call it in a transaction, as the admin site does.

        What is stored already (a double click) is no change.
        """
        found = super().clean() or self.cleaned_data
        if self.instance.pk and self.changed_data:
            self.locked = grading.locked_submissions().get(pk=self.instance.pk)
            typed = {name: found[name] for name in self.changed_data if name in found}
            self.changes = {name: value for name, value in typed.items() if getattr(self.locked, name) != value}
            if not self.changes.keys().isdisjoint(self.graded):
                try:
                    grading.refuse_if_graded_meanwhile(self.locked, seen=found["seen"])
                except grading.GradedMeanwhile as conflict:
                    self._show_conflict(conflict)
        return found

    def _show_conflict(self, conflict: grading.GradedMeanwhile) -> None:
        """Show what is stored beside what was typed. Saving again replaces it."""
        theirs = conflict.submission
        data = cast("QueryDict", self.data).copy()
        data[self.add_prefix("seen")] = grading.version_token(theirs)
        self.data = data
        who = gettext("Somebody graded this in the meantime.")
        if conflict.by:
            who = gettext("%(by)s graded this in the meantime.") % {"by": conflict.by}
        grade = "–" if theirs.grade is None else f"{theirs.grade:g}"
        stored = f"{gettext('Their grade')}: {grade}. {gettext('Their feedback')}: {theirs.feedback or '–'}"
        self.add_error(
            None, [who, stored, gettext("What you typed is below and not saved. Save again to replace theirs.")]
        )


class SubmissionInline(TabularInline):
    """The grades of an assignment on its page. Contents of submissions are neither shown nor fetched."""

    model = AssignmentSubmission
    form = GradeForm
    extra = 0
    can_delete = False
    fields = ["student", "submitted_at", "status", "grade", "feedback", "seen"]
    readonly_fields = ["student", "submitted_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("student").defer("notebook_content")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ClassAssignment)
class ClassAssignmentAdmin(LargeTableAdmin):
    list_display = ["title", "class_ref", "notebook", "due_date", "points", "weight"]
    list_filter = ["due_date"]
    list_select_related = ["class_ref", "notebook"]
    search_fields = ["title", "class_ref__class_code", "class_ref__name"]
    autocomplete_fields = ["class_ref", "notebook"]
    readonly_fields = ["created_at", "updated_at"]
    inlines = [SubmissionInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)  # says what was changed, for the log of the admin site
        for each in formset.initial_forms:
            save_submission(request, each)


class ExtensionForm(ModelForm):
    """An extension, with the refusals of `lms.due_date_extensions` beside the fields."""

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        assignment, student = found.get("assignment"), found.get("student")
        if self.instance.pk:  # whose extension it is stays
            assignment, student = self.instance.assignment, None
        if assignment is not None and "due_date" in found:
            try:
                refuse_unless_later(assignment, found["due_date"])
            except ExtensionRefused as refused:
                self.add_error("due_date", refused.words())
        enrolments = StudentClass.objects.filter(student=student, role="student")
        if assignment and student and not enrolments.filter(class_ref=assignment.class_ref_id).exists():
            self.add_error("student", gettext("This student is not in the class of the assignment."))
        return found


@admin.register(DueDateExtension)
class DueDateExtensionAdmin(LargeTableAdmin):
    """Extensions are granted and withdrawn as on the pages and in the API: audited, and the student is told."""

    form = ExtensionForm
    list_display = ["assignment", "student", "due_date", "granted_by", "granted_at"]
    list_filter = ["due_date"]
    list_select_related = ["assignment", "student", "granted_by"]
    search_fields = ["student__email_key__contains", "assignment__title", "assignment__class_ref__class_code"]
    autocomplete_fields = ["assignment", "student"]
    readonly_fields = ["granted_by", "granted_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        whose = [] if obj is None else ["assignment", "student"]
        return [*whose, *self.readonly_fields]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change and not form.changed_data:
            return
        granted = extend(
            obj.assignment,
            obj.student_id,
            until=obj.due_date,
            reason=obj.reason,
            by=account_of(request),
            request=request,
            now=timezone.now(),
        )
        obj.pk = granted.pk  # for the log of the admin site

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        withdraw(obj, by=account_of(request), request=request, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for each in queryset.select_related("assignment"):
                self.delete_model(request, each)


@admin.register(AssignmentSubmission)
class AssignmentSubmissionAdmin(ExportMixin, LargeTableAdmin):  # type: ignore[misc]
    """Submissions can be graded, and exported as a table. The export respects the filters and search of the list."""

    form = GradeForm
    resource_classes = [SubmissionResource]
    export_formats = FORMATS
    to_encoding = ENCODING
    skip_export_form = True
    list_display = ["id", "assignment", "student", "submitted_at", "status", "grade"]
    list_filter = ["status", "submitted_at"]
    list_select_related = ["assignment", "student"]
    search_fields = [
        "student__email_key__contains",
        "student__name",
        "assignment__title",
        "assignment__class_ref__class_code",
    ]
    autocomplete_fields = ["assignment", "student"]
    exclude = ["notebook_content"]
    readonly_fields = ["content_sha256"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            save_submission(request, form)
        else:
            super().save_model(request, obj, form, change)
            notice = grading.record(obj, form.cleaned_data, before=None, by=account_of(request), request=request)
            transaction.on_commit(notice)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("assignment__class_ref", "student")
        return rows.defer("notebook_content")


def save_submission(request: HttpRequest, form: GradeForm) -> None:
    """Write what a valid form changed, record it, and notify the student after the commit. Call it in a transaction."""
    if form.locked is not None and form.changes:
        notify_student = grading.write(form.locked, form.changes, by=account_of(request), request=request)
        transaction.on_commit(notify_student)
