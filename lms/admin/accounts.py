"""The admin site of accounts. Passwords are set on a separate page; hashes are never shown.

It is part of `lms`, not of `instructors`, because deleting an account deletes rows of `lms`.
"""

from typing import TYPE_CHECKING, Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ChoiceField, ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from instructors import audit, hashing
from instructors.models import AuditLog, Instructor, InstructorStatusHistory
from instructors.roles import ADMIN, ASSISTANT, INSTRUCTOR
from lms.admin.base import CappedPaginator, CascadeAdmin, KeySearch, ReadOnlyAdmin

if TYPE_CHECKING:
    CreationForm = BaseUserCreationForm[Instructor]
    Form = ModelForm[Instructor]
    AccountAdmin = UserAdmin[Instructor]
else:
    CreationForm, Form, AccountAdmin = BaseUserCreationForm, ModelForm, UserAdmin

admin.site.unregister(Group)  # access depends on roles, not on groups


ROLE_CHOICES = [
    (INSTRUCTOR, gettext_lazy("Instructor")),
    (ASSISTANT, gettext_lazy("Assistant: sees and helps, makes no classes")),
    (ADMIN, gettext_lazy("Administrator: may do everything")),
]


class InstructorCreationForm(CreationForm):
    role = ChoiceField(label=gettext_lazy("Role"), choices=ROLE_CHOICES, initial=INSTRUCTOR)

    class Meta:
        model = Instructor
        fields = ["email", "name", "role"]


class InstructorChangeForm(Form):
    """Keep a label that was set through the API, unless a role is chosen instead."""

    role = ChoiceField(label=gettext_lazy("Role"), choices=ROLE_CHOICES)

    class Meta:
        model = Instructor
        fields = ["email", "name", "role", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label, field = self.instance.role, self.fields["role"]
        if isinstance(field, ChoiceField) and label not in dict(ROLE_CHOICES):
            field.choices = [(label, gettext("%(label)s: a label of an instructor") % {"label": label}), *ROLE_CHOICES]


@admin.register(Instructor)
class InstructorAdmin(KeySearch, CascadeAdmin, AccountAdmin):
    add_form = InstructorCreationForm
    form = InstructorChangeForm
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_display = ["email", "name", "role", "is_active", "status", "last_login"]
    list_filter = ["is_active", "status"]
    search_fields = ["email_key__contains", "name"]
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

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Hash the password before the transaction that validates and stores the form."""
        with hashing.hash_ahead(request.POST.get("password1")):
            response: HttpResponse = super().add_view(request, form_url, extra_context)
            return response

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
    search_fields = ["instructor__email_key__contains", "instructor__name"]


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "actor_email", "action", "target_type", "target_id", "outcome", "ip_address"]
    list_filter = ["action", "outcome", "occurred_at"]
    search_fields = ["actor_email", "=target_id"]


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Failed logins of the last minutes (instructors/lockout.py). Deleting a row lifts its lock."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time", "is_locked"]
    fields = ["username", "ip_address", "failures_since_start", "attempt_time"]
    search_fields = ["username", "=ip_address"]

    @admin.display(boolean=True, description=gettext_lazy("Locked out"))
    def is_locked(self, row: AccessAttempt) -> bool:
        is_recent = row.attempt_time + settings.AXES_COOLOFF_TIME > timezone.now()
        return bool(is_recent and row.failures_since_start >= settings.LOGIN_FAILURES)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def delete_model(self, request: HttpRequest, obj: AccessAttempt) -> None:
        self.delete_queryset(request, AccessAttempt.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        actor = request.user if isinstance(request.user, Instructor) else None
        with transaction.atomic():
            for row in queryset:
                details = {"address": row.ip_address}
                audit.record(
                    "login_unlock",
                    actor=actor,
                    request=request,
                    target_type="instructor",
                    target_id=row.username,
                    details=details,
                )
            queryset.delete()
