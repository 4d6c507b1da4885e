"""The admin site of assignments and submissions. `lms.grading` writes grades, as for the pages and the API."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from import_export.admin import ExportMixin

from instructors.permissions import account_of
from lms import grading
from lms.admin.base import LargeTableAdmin
from lms.export import FORMATS, SubmissionResource
from lms.models import (
    AssignmentSubmission,
    ClassAssignment,
    DueDateExtension,
)
from lms.spreadsheets import ENCODING

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
    Form = forms.ModelForm[Any]
else:
    TabularInline, Form = admin.TabularInline, forms.ModelForm


class SubmissionInline(TabularInline):
    """The grades of an assignment on its page. Contents of submissions are neither shown nor fetched."""

    model = AssignmentSubmission
    extra = 0
    can_delete = False
    fields = ["student", "submitted_at", "status", "grade", "feedback"]
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


@admin.register(DueDateExtension)
class DueDateExtensionAdmin(LargeTableAdmin):
    list_display = ["assignment", "student", "due_date", "granted_by", "granted_at"]
    list_filter = ["due_date"]
    list_select_related = ["assignment", "student", "granted_by"]
    search_fields = ["student__email_key__contains", "assignment__title", "assignment__class_ref__class_code"]
    autocomplete_fields = ["assignment", "student"]
    readonly_fields = ["granted_by", "granted_at"]


@admin.register(AssignmentSubmission)
class AssignmentSubmissionAdmin(ExportMixin, LargeTableAdmin):  # type: ignore[misc]
    """Submissions can be graded, and exported as a table. The export respects the filters and search of the list."""

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


def save_submission(request: HttpRequest, form: Any) -> None:
    """Write what a valid form changed, record it, and notify the student after the commit. Call it in a transaction."""
    changes = {name: form.cleaned_data[name] for name in form.changed_data}
    if changes:
        locked = grading.locked_submissions().get(pk=form.instance.pk)
        transaction.on_commit(grading.write(locked, changes, by=account_of(request), request=request))
