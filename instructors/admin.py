"""The admin site of accounts. Passwords are set on a page of their own; no hash is ever shown."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from instructors.models import AttentionCase, AuditLog, Instructor, InstructorStatusHistory, ProgressNotification
from lms.admin import CappedPaginator, ReadOnlyAdmin

if TYPE_CHECKING:
    CreationForm = BaseUserCreationForm[Instructor]
    Form = ModelForm[Instructor]
    AccountAdmin = UserAdmin[Instructor]
else:
    CreationForm, Form, AccountAdmin = BaseUserCreationForm, ModelForm, UserAdmin

admin.site.unregister(Group)  # roles decide here, not groups


class InstructorCreationForm(CreationForm):
    class Meta:
        model = Instructor
        fields = ["email", "name", "role"]


class InstructorChangeForm(Form):
    class Meta:
        model = Instructor
        fields = ["email", "name", "role", "is_active"]


@admin.register(Instructor)
class InstructorAdmin(AccountAdmin):
    add_form = InstructorCreationForm
    form = InstructorChangeForm
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_display = ["email", "name", "role", "is_active", "status", "last_login"]
    list_filter = ["is_active", "status"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    filter_horizontal = []
    readonly_fields = ["set_password", "status", "status_updated_at", "last_login", "created_at", "updated_at"]
    add_fieldsets = [(None, {"fields": ["email", "name", "role", "password1", "password2"]})]
    fieldsets = [
        (None, {"fields": ["email", "name", "role", "is_active", "set_password"]}),
        (
            gettext_lazy("Activity"),
            {"fields": ["status", "status_updated_at", "last_login", "created_at", "updated_at"]},
        ),
    ]

    @admin.display(description=gettext_lazy("Password"))
    def set_password(self, account: Instructor) -> SafeString:
        address = reverse("admin:auth_user_password_change", args=[account.pk])
        return format_html('<a href="{}">{}</a>', address, gettext("Set another password"))

    def save_model(self, request: HttpRequest, obj: Instructor, form: Any, change: bool) -> None:
        if change:
            obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(InstructorStatusHistory)
class InstructorStatusHistoryAdmin(ReadOnlyAdmin):
    list_display = ["instructor", "status", "started_at", "ended_at", "duration_minutes"]
    list_filter = ["status", "started_at"]
    list_select_related = ["instructor"]
    search_fields = ["instructor__email", "instructor__name"]


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "actor_email", "action", "target_type", "target_id", "outcome", "ip_address"]
    list_filter = ["action", "outcome", "occurred_at"]
    search_fields = ["actor_email", "=target_id"]


@admin.register(ProgressNotification)
class ProgressNotificationAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "recipient_id", "title", "level", "is_read"]
    list_filter = ["level", "is_read"]
    search_fields = ["=recipient_id"]


@admin.register(AttentionCase)
class AttentionCaseAdmin(ReadOnlyAdmin):
    list_display = ["opened_at", "student", "class_ref", "code", "claimed_by", "ended_at", "outcome", "ended_by"]
    list_filter = ["code", "outcome", "opened_at"]
    list_select_related = ["student", "class_ref", "claimed_by", "ended_by"]
    search_fields = ["student__email"]
