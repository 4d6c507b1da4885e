"""The admin of the pages' own data: cases, hints, invitations, reports. Read only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from classroom.models import (
    AnalyticsReport,
    AttentionCase,
    ClassInvitation,
    ErasureRequest,
    Hint,
    HintRecipient,
    StuckQuestion,
)
from classroom.setup.invitations import cancel
from instructors.permissions import account_of
from lms.admin.base import ReadOnlyAdmin


@admin.register(AttentionCase)
class AttentionCaseAdmin(ReadOnlyAdmin):
    list_display = ["opened_at", "student", "class_ref", "code", "claimed_by", "ended_at", "outcome", "ended_by"]
    list_filter = ["code", "outcome", "opened_at"]
    list_select_related = ["student", "class_ref", "claimed_by", "ended_by"]
    search_fields = ["student__email_key__contains"]


@admin.register(StuckQuestion)
class StuckQuestionAdmin(ReadOnlyAdmin):
    list_display = ["asked_at", "student", "class_ref", "probability", "answer", "answered_at"]
    list_filter = ["answer", "asked_at"]
    list_select_related = ["student", "class_ref"]
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
    """Open invitations can be cancelled; they are created on a class's own pages, which show each link once."""

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


@admin.register(ErasureRequest)
class ErasureRequestAdmin(ReadOnlyAdmin):
    """Requests of students; instructors answer them on the set-up page of the class."""

    list_display = ["asked_at", "student", "class_ref", "status", "answered_by", "answered_at"]
    list_filter = ["asked_at", "answered_at", "withdrawn_at"]
    list_select_related = ["student", "class_ref", "answered_by"]
    search_fields = ["student__email_key__contains"]


@admin.register(AnalyticsReport)
class AnalyticsReportAdmin(ReadOnlyAdmin):
    list_display = ["report_id", "report_type", "title", "status", "requested_by", "created_at", "finished_at"]
    list_filter = ["report_type", "status", "created_at"]
    list_select_related = ["requested_by"]
    search_fields = ["=report_id", "requested_by__email_key__contains"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AnalyticsReport]:
        """Defer the contents, which have a line for every student."""
        return super().get_queryset(request).defer("content")

    @admin.display(description=gettext_lazy("About"))
    def title(self, report: AnalyticsReport) -> str:
        return str(report.parameters.get("title") or report.parameters.get("target", ""))
