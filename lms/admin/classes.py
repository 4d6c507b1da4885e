"""The admin site of classes, their students, staff and keys."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from lms.admin.base import LargeTableAdmin, TabularInline
from lms.class_keys import create_key, revoke_keys
from lms.models import (
    Class,
    ClassKey,
    ClassStaff,
    StudentClass,
)


class ClassStaffInline(TabularInline):
    model = ClassStaff
    extra = 0
    autocomplete_fields = ["instructor"]
    readonly_fields = ["added_at"]


@admin.register(Class)
class ClassAdmin(LargeTableAdmin):
    list_display = ["class_code", "name", "instructor", "start_date", "end_date", "is_active"]
    list_filter = ["is_active", "start_date"]
    list_select_related = ["instructor"]
    search_fields = ["class_code", "name"]
    autocomplete_fields = ["instructor"]
    readonly_fields = ["created_at", "updated_at"]
    inlines = [ClassStaffInline]


@admin.register(StudentClass)
class StudentClassAdmin(LargeTableAdmin):
    list_display = ["student", "class_ref", "name", "student_number", "reading", "role", "joined_at"]
    list_filter = ["joined_at"]
    list_select_related = ["student", "class_ref"]
    search_fields = ["student__email_key__contains", "student__name", "student_number", "class_ref__class_code"]
    autocomplete_fields = ["student", "class_ref", "team"]


@admin.register(ClassStaff)
class ClassStaffAdmin(LargeTableAdmin):
    list_display = ["instructor", "class_ref", "role", "added_at"]
    list_filter = ["role"]
    list_select_related = ["instructor", "class_ref"]
    search_fields = ["instructor__email_key__contains", "class_ref__class_code"]
    autocomplete_fields = ["instructor", "class_ref"]


@admin.register(ClassKey)
class ClassKeyAdmin(LargeTableAdmin):
    """Ingest keys. A key is shown once, in the message after its creation."""

    list_display = ["hint", "class_ref", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["revoked_at"]
    list_select_related = ["class_ref"]
    search_fields = ["hint", "class_ref__class_code", "class_ref__name"]
    autocomplete_fields = ["class_ref"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: ClassKey | None = None) -> list[Any]:
        return ["class_ref", "hint", "created_at", "last_used_at", "revoked_at"] if obj else ["class_ref"]

    def get_readonly_fields(self, request: HttpRequest, obj: ClassKey | None = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            return
        made, key = create_key(obj.class_ref)
        obj.pk = made.pk
        obj.refresh_from_db()
        address = request.build_absolute_uri(f"/api/v1/events?key={key}")
        text = gettext(
            "The key is %(key)s . Copy it now: it is not shown again. Address for the extension: %(address)s"
        )
        messages.warning(request, text % {"key": key, "address": address})

    @admin.action(description=gettext_lazy("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ClassKey]) -> None:
        count = revoke_keys(keys, at=timezone.now())
        messages.success(request, gettext("Keys revoked: %(count)d") % {"count": count})
