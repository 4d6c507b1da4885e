"""The admin site of students: the person, their enrolments and former addresses, and the merging of two rows."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import display_for_value
from django.db import transaction
from django.db.models import Field, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.identity import row_number
from instructors import audit
from instructors.models import Instructor
from lms import merging
from lms.admin.base import LargeTableAdmin, TabularInline
from lms.models import Student, StudentAddress, StudentClass

LABELS: dict[str, Any] = {
    "email": _("E-mail"),
    "name": _("Name"),
    "team": _("Team"),
    "class_ref": _("Class"),
    "student_number": _("Student number"),
    "reading": _("Reading"),
    "role": _("Role"),
    "joined_at": _("Joined"),
    "added_at": _("Since"),
    "is_requesting_help": _("Asking for help"),
    "help_requested_at": _("Asking since"),
    "last_help_at": _("Last asked"),
    "help_stopped_at": _("Last stopped asking"),
    "help_dismissed_at": _("Last request dismissed"),
    "help_session_id": _("Session of the request"),
    "help_notebook_path": _("Notebook of the request"),
    "errors_resolved_at": _("Errors resolved"),
    "last_activity_at": _("Last activity"),
    "current_notebook": _("Notebook"),
    "execution_count": _("Runs"),
    "error_count": _("Errors"),
    "last_run_at": _("Last run"),
    "last_run_failed": _("The last run failed"),
    "created_at": _("Created"),
    "updated_at": _("Changed"),
}


def shown(name: str) -> Any:
    """Return a read-only column with its translated label.

    Times are in the server's time zone and no value is a dash: the page of one row shows as it is what this returns.
    """
    is_boolean = name in ("is_requesting_help", "last_run_failed")

    @admin.display(description=LABELS[name], ordering=name, boolean=is_boolean)
    def value(row: Student) -> Any:
        found = getattr(row, name)
        return display_for_value(found, "-") if isinstance(found, datetime | None) and not is_boolean else found

    value.__name__ = name
    return value


# All but the person: only the event pipeline writes them.
STATE = [
    shown(name) for name in LABELS if name in {field.name for field in Student._meta.fields} - {"email", "name", "team"}
]


class Labelled(TabularInline):
    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        return labelled(super().formfield_for_dbfield(db_field, request, **kwargs), db_field.name)


class EnrolmentInline(Labelled):
    model = StudentClass
    extra = 0
    fields = ["class_ref", "name", "student_number", "reading", "team", "role", "joined_at"]
    autocomplete_fields = ["class_ref", "team"]
    verbose_name, verbose_name_plural = _("enrolment"), _("enrolments")


class FormerAddressInline(Labelled):
    """Former addresses, whose events still count for the student. Delete one that belongs to another person."""

    model = StudentAddress
    extra = 0
    fields: ClassVar[Any] = [shown("email"), shown("added_at")]
    readonly_fields: ClassVar[Any] = fields
    verbose_name, verbose_name_plural = _("former address"), _("former addresses")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Student)
class StudentAdmin(LargeTableAdmin):
    list_display = [
        shown("email"),
        shown("name"),
        shown("team"),
        shown("is_requesting_help"),
        shown("execution_count"),
        shown("error_count"),
        shown("last_activity_at"),
    ]
    list_filter = ["is_requesting_help", "last_activity_at"]
    list_select_related = ["team"]
    search_fields = [
        "email_key__contains",
        "name",
        "enrolments__student_number",
        "former_addresses__email_key__contains",
    ]
    autocomplete_fields = ["team"]
    inlines = [EnrolmentInline, FormerAddressInline]
    actions = ["merge"]

    def get_fields(self, request: HttpRequest, obj: Student | None = None) -> list[Any]:
        return ["email", "name", "team", *(STATE if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Student | None = None) -> list[Any]:
        return STATE

    def get_inlines(self, request: HttpRequest, obj: Student | None) -> list[Any]:
        return [EnrolmentInline, FormerAddressInline] if obj else []

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        return labelled(super().formfield_for_dbfield(db_field, request, **kwargs), db_field.name)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Keep the former address known: a JupyterLab may go on sending it."""
        if change and "email" in form.changed_data:
            merging.correct_address(student_id=obj.pk, email=obj.email)
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Merge the two selected students…"), permissions=["change", "delete"])
    def merge(self, request: HttpRequest, students: QuerySet[Student]) -> HttpResponse | None:
        """Show what merging would do; do it when that page is sent with `step=merge`."""
        both = list(students.order_by("pk")[:3])
        if len(both) != 2:
            messages.error(request, gettext("Select the two students who are one person."))
            return None
        number = row_number(request.POST.get("keep", ""))
        kept = next((each for each in both if each.pk == number), both[0])
        [other] = [each for each in both if each != kept]
        if request.POST.get("step") == "merge":
            with transaction.atomic():
                counts = merging.merge_students(
                    kept_id=kept.pk, other_id=other.pk, keep_old=bool(request.POST.get("keep_old"))
                )
                audit.record(
                    "student_merge",
                    actor=request.user if isinstance(request.user, Instructor) else None,
                    request=request,
                    target_type="student",
                    target_id=kept.email,
                    details={"merged": other.pk, "address": other.email, "counts": counts},
                )
            words = gettext("%(name)s is one person now, with the address %(email)s.")
            messages.success(request, words % {"name": kept.display_name, "email": kept.email})
            return None
        of_kept, of_other = (merging.moved_counts(each.pk) for each in (kept, other))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Merge two students"),
            "opts": self.model._meta,
            "both": both,
            "kept": kept,
            "other": other,
            "counts": [(merging.KIND_WORDS[kind], of_kept[kind], of_other[kind]) for kind in merging.KINDS],
            "shared_work": merging.shared_work(kept.pk, other.pk),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/lms/student/merge.html", context)


def labelled(field: FormField | None, name: str) -> FormField | None:
    if field is not None and name in LABELS:
        field.label = LABELS[name]
    return field
