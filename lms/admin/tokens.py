"""The admin site of students' devices and class codes."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from instructors.models import Instructor
from lms import class_codes, student_tokens
from lms.admin.base import LargeTableAdmin
from lms.models import ClassCode, StudentToken


@admin.register(StudentToken)
class StudentTokenAdmin(LargeTableAdmin):
    """Devices claim their tokens themselves. Here they are confirmed and revoked."""

    list_display = ["hint", "student", "class_ref", "device", "client", "confirmed_at", "last_used_at", "revoked_at"]
    list_filter = ["revoked_at", "last_used_at"]
    list_select_related = ["student", "class_ref"]
    search_fields = ["student__email_key__contains", "device", "class_ref__class_code"]
    fields = readonly_fields = (
        "student",
        "class_ref",
        "hint",
        "check_number",
        "device",
        "client",
        "created_at",
        "confirmed_at",
        "last_used_at",
        "revoked_at",
    )
    actions = ["confirm", "revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description=gettext_lazy("Confirm the selected devices"), permissions=["change"])
    def confirm(self, request: HttpRequest, tokens: QuerySet[StudentToken]) -> None:
        count = student_tokens.confirm(tokens, now=timezone.now())
        messages.success(request, gettext("Devices confirmed: %(count)d") % {"count": count})

    @admin.action(description=gettext_lazy("Revoke the selected devices"), permissions=["change"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[StudentToken]) -> None:
        count = student_tokens.revoke(tokens, now=timezone.now())
        messages.success(request, gettext("Devices revoked: %(count)d") % {"count": count})


@admin.register(ClassCode)
class ClassCodeAdmin(LargeTableAdmin):
    """A new code ends the earlier one of its class."""

    list_display = ["__str__", "class_ref", "created_at", "expires_at", "created_by"]
    list_filter = ["expires_at"]
    list_select_related = ["class_ref", "created_by"]
    search_fields = ["code", "class_ref__class_code", "class_ref__name"]
    autocomplete_fields = ["class_ref"]

    def get_fields(self, request: HttpRequest, obj: ClassCode | None = None) -> list[Any]:
        return ["class_ref", "code", "created_at", "expires_at", "created_by"] if obj else ["class_ref"]

    def get_readonly_fields(self, request: HttpRequest, obj: ClassCode | None = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            return
        by = request.user if isinstance(request.user, Instructor) else None
        made = class_codes.make_code(obj.class_ref, by=by, now=timezone.now())
        obj.pk = made.pk
        obj.refresh_from_db()
