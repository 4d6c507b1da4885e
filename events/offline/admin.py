"""The admin site of undelivered events: show the reason, correct the event, deliver it again."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from events.contract import records
from events.models import OfflineQueueEntry
from events.offline import sync as offline_sync
from events.queue import jobs
from events.queue.enqueue import event_of
from lms.admin.base import LargeTableAdmin

if TYPE_CHECKING:
    Form = forms.ModelForm[OfflineQueueEntry]
else:
    Form = forms.ModelForm

Status = OfflineQueueEntry.Status

MAX_DELIVERED = 500  # at once
MAX_REASONS = 20  # in the messages; the list shows the others


class EntryForm(Form):
    """The event as JSON. It is validated like by the pipeline, with the field and the reason of a refusal."""

    event_data = forms.JSONField(
        label=gettext_lazy("Event"),
        help_text=gettext_lazy("One event record, as a JSON object. It needs eventType and emailAddress."),
        error_messages={"invalid": gettext_lazy("This is not valid JSON. Check quotes, commas and brackets.")},
        widget=forms.Textarea(attrs={"rows": 24, "cols": 100, "spellcheck": "false"}),
    )

    class Meta:
        model = OfflineQueueEntry
        fields = ["event_data", "priority"]

    def clean_event_data(self) -> dict[str, Any]:
        record: Any = self.cleaned_data["event_data"]
        if not isinstance(record, dict):
            raise forms.ValidationError(gettext("An event is a JSON object: it begins with { and ends with }."))
        try:
            storable: dict[str, Any] = records.storable(record)
            event_of(storable, received=0)
        except records.BadBody as error:
            raise forms.ValidationError(offline_sync.reasons(error)) from None
        return storable


@admin.register(OfflineQueueEntry)
class OfflineQueueEntryAdmin(LargeTableAdmin):
    form = EntryForm
    list_display = ["created_at", "event_type", "user_id", "status", "priority", "retry_count", "reason"]
    list_filter = ["status", "priority", "created_at"]
    search_fields = ["=queue_id", "user_id", "event_type", "error"]
    search_help_text = gettext_lazy("Sender, kind, or words of the reason")
    readonly_fields = [
        "status",
        "error",
        "event_type",
        "user_id",
        "queue_id",
        "retry_count",
        "created_at",
        "last_retry_at",
        "synced_at",
        "is_forced",
        "class_id",
        "is_authorised",
        "origin",
    ]
    fields = ["status", "error", "event_data", "priority", *readonly_fields[2:]]
    actions = ["put_back"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False for an event that is in the stream already, which this copy would not change."""
        is_over = obj is not None and obj.status in (Status.SYNCED, Status.SYNCING)
        return super().has_change_permission(request, obj) and not is_over

    def get_queryset(self, request: HttpRequest) -> QuerySet[OfflineQueueEntry]:
        rows: QuerySet[OfflineQueueEntry] = super().get_queryset(request)
        is_list = request.path.endswith("/offlinequeueentry/")
        # The list does not show events, so do not load them; its action needs them.
        return rows.defer("event_data") if is_list and request.method == "GET" else rows

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        offline_sync.label(obj)
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("Reason"))
    def reason(self, entry: OfflineQueueEntry) -> str:
        return (entry.error or "")[:200]

    @admin.action(description=gettext_lazy("Put back into the queue"), permissions=["change"])
    def put_back(self, request: HttpRequest, entries: QuerySet[OfflineQueueEntry]) -> None:
        """Deliver the entries and show each result. An event that the pipeline refuses again gets a new entry."""
        chosen = list(entries.order_by("pk")[: MAX_DELIVERED + 1])
        if len(chosen) > MAX_DELIVERED:
            chosen = chosen[:MAX_DELIVERED]
            text = gettext("Only the first %(count)d are put back; choose the others again.")
            messages.warning(request, text % {"count": MAX_DELIVERED})
        over = [entry for entry in chosen if entry.status in (Status.SYNCED, Status.SYNCING)]
        if over:
            text = gettext("Already in the queue: %(count)d")
            messages.info(request, text % {"count": len(over)})
        rest = [entry for entry in chosen if entry.status not in (Status.SYNCED, Status.SYNCING)]
        tried = offline_sync.deliver(rest, enqueue_drains=jobs.enqueue_drains, now=timezone.now()) if rest else []
        self._show_results(request, tried)
        for entry in tried:
            self.log_change(request, entry, f"Put back into the queue: {entry.error or 'done'}")

    def _show_results(self, request: HttpRequest, tried: list[OfflineQueueEntry]) -> None:
        done = [entry for entry in tried if entry.status == Status.SYNCED]
        left = [entry for entry in tried if entry.status != Status.SYNCED]
        if done:
            messages.success(request, gettext("Put back into the queue: %(count)d") % {"count": len(done)})
        for entry in left[:MAX_REASONS]:
            text = gettext("%(kind)s of %(sender)s was not put back: %(reason)s")
            named = {"kind": entry.event_type, "sender": entry.user_id or "–", "reason": entry.error}
            messages.error(request, text % named)
        if len(left) > MAX_REASONS:
            text = gettext("%(count)d more were not put back; each row tells why.")
            messages.error(request, text % {"count": len(left) - MAX_REASONS})
