"""The admin site of accounts. Passwords are set on a page of their own; no hash is ever shown."""

from functools import partial
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

from classroom.setup.invitations import cancel
from instructors import audit, hashing
from instructors.admin_audit import note_everything
from instructors.models import (
    AnalyticsReport,
    AttentionCase,
    AuditLog,
    ClassInvitation,
    Hint,
    HintRecipient,
    Instructor,
    InstructorStatusHistory,
    ProgressNotification,
)
from instructors.permissions import account_of
from instructors.roles import ADMIN, ASSISTANT, INSTRUCTOR
from lms.admin.models import (
    AssignmentSubmissionAdmin,
    CappedPaginator,
    ClassAssignmentAdmin,
    KeySearch,
    ReadOnlyAdmin,
    SystemSettingAdmin,
    TidyDeletion,
)
from lms.grading import note_change
from lms.models import AssignmentSubmission, ClassAssignment, SystemSetting
from lms.notices import tell_grade
from lms.submissions import tells_grade

if TYPE_CHECKING:
    CreationForm = BaseUserCreationForm[Instructor]
    Form = ModelForm[Instructor]
    AccountAdmin = UserAdmin[Instructor]
else:
    CreationForm, Form, AccountAdmin = BaseUserCreationForm, ModelForm, UserAdmin

admin.site.unregister(Group)  # roles decide here, not groups


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
    """A label that the API gave stays, unless a role is chosen instead."""

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
class InstructorAdmin(KeySearch, TidyDeletion, AccountAdmin):
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
        """The password is hashed before the transaction in which the form is looked at and stored."""
        with hashing.ahead(request.POST.get("password1")):
            answer: HttpResponse = super().add_view(request, form_url, extra_context)
            return answer

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
    """Failed logins of the last minutes (instructors/lockout.py). Deleting one lets its owner in again."""

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
                    action="login_unlock",
                    actor=actor,
                    request=request,
                    target_type="instructor",
                    target_id=row.username,
                    details=details,
                )
            queryset.delete()


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
    search_fields = ["student__email_key__contains"]


@admin.register(Hint)
class HintAdmin(ReadOnlyAdmin):
    list_display = ["sent_at", "sent_by", "class_ref", "notebook", "cell", "error_name"]
    list_filter = ["sent_at"]
    list_select_related = ["sent_by", "class_ref", "notebook", "cell"]
    search_fields = ["text", "=error_name"]


@admin.register(HintRecipient)
class HintRecipientAdmin(ReadOnlyAdmin):
    list_display = ["hint", "student"]
    list_select_related = ["hint", "student"]
    search_fields = ["student__email_key__exact"]


@admin.register(ClassInvitation)
class ClassInvitationAdmin(ReadOnlyAdmin):
    """What is open is cancelled here; links are made on a class's own pages, which show each once."""

    goes_along = True
    list_display = ["email", "class_ref", "role", "invited_by", "created_at", "expires_at", "closed_at", "accepted_by"]
    list_filter = ["role", "created_at", "closed_at"]
    list_select_related = ["class_ref", "invited_by", "accepted_by"]
    search_fields = [
        "email_key__contains",
        "class_ref__class_code",
        "class_ref__name",
        "invited_by__email_key__contains",
    ]
    exclude = ["token_hash"]
    actions = ["cancel"]

    @admin.action(description=gettext_lazy("Cancel the selected invitations"), permissions=["view"])
    def cancel(self, request: HttpRequest, invitations: QuerySet[ClassInvitation]) -> None:
        still_open, now = invitations.filter(closed_at=None).select_related("class_ref"), timezone.now()
        for one in still_open:
            cancel(one.class_ref, invitation_id=one.pk, by=account_of(request), request=request, now=now)


@admin.register(AnalyticsReport)
class AnalyticsReportAdmin(ReadOnlyAdmin):
    list_display = ["report_id", "report_type", "title", "status", "requested_by", "created_at", "finished_at"]
    list_filter = ["report_type", "status", "created_at"]
    list_select_related = ["requested_by"]
    search_fields = ["=report_id", "requested_by__email_key__contains"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AnalyticsReport]:
        """The list reads no contents: each holds a line for every student."""
        return super().get_queryset(request).defer("content")

    @admin.display(description=gettext_lazy("About"))
    def title(self, report: AnalyticsReport) -> str:
        return str(report.parameters.get("title") or report.parameters.get("target", ""))


# --- Settings changed here are noted as those that are changed over the API. ----------------------------------------

admin.site.unregister(SystemSetting)


@admin.register(SystemSetting)
class NotedSettingAdmin(SystemSettingAdmin):
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = SystemSetting.objects.filter(pk=obj.pk).first() if change else None
        super().save_model(request, obj, form, change)
        was = {"from": before.setting_value[:200]} if before else {"created": True}
        self._note(request, obj, {**was, "to": obj.setting_value[:200], "is_active": obj.is_active})

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._note(request, obj, {"deleted": True})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for setting in queryset:
            self._note(request, setting, {"deleted": True})
        super().delete_queryset(request, queryset)

    def _note(self, request: HttpRequest, setting: SystemSetting, details: dict[str, Any]) -> None:
        audit.record(
            action="setting_update",
            actor=account_of(request),
            request=request,
            target_type="setting",
            target_id=setting.setting_key,
            details=details,
        )


# --- Grades given here are noted and told as everywhere; lms, which owns the pages, knows neither log nor sockets. ----


def graded_by(request: HttpRequest, form: Any, *, is_new: bool = False) -> None:
    """After a submission's form was saved, in its transaction."""
    row, changed = form.instance, form.changed_data
    if not changed:
        return
    actor = request.user if isinstance(request.user, Instructor) else None
    action = "submission_create" if is_new else "submission_update"
    note_change(row, fields=changed, by=actor, request=request, action=action)
    before = None if is_new else form.initial.get("status")
    if tells_grade(before=before, changes={name: form.cleaned_data.get(name) for name in changed}):
        transaction.on_commit(partial(tell_grade, row))


class NotedClassAssignmentAdmin(ClassAssignmentAdmin):
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if formset.model is AssignmentSubmission:
            for each in formset.initial_forms:
                graded_by(request, each)


class NotedSubmissionAdmin(AssignmentSubmissionAdmin):
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        graded_by(request, form, is_new=not change)


for model, pages in ((ClassAssignment, NotedClassAssignmentAdmin), (AssignmentSubmission, NotedSubmissionAdmin)):
    admin.site.unregister(model)
    admin.site.register(model, pages)

note_everything(admin.site)
