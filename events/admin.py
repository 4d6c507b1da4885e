"""Read-only admin pages of student activity. Only the event pipeline changes these rows."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from core.identity import email_key
from events.models import CellExecution, CellProgress, ClientHealth, HelpRequest, NotebookAccess, StudentEvent
from events.offline.admin import OfflineQueueEntryAdmin
from lms.admin.base import ReadOnlyAdmin
from lms.models import Student

__all__ = ["OfflineQueueEntryAdmin"]  # autodiscovery reads this module alone

# Students that a search term may match.
MAX_STUDENTS = 200


class ActivityAdmin(ReadOnlyAdmin):
    """Search by part of an e-mail or name, or by exact event id.

    The students are searched first, in one more query, so that the large table is read through its own indexes.
    """

    search_fields = ["student__email"]
    search_help_text = gettext_lazy("E-mail, name, or exact event id")
    by_event_id = True

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        people = Student.objects.filter(Q(email_key__contains=email_key(term) or term) | Q(name__icontains=term))
        found = Q(student__in=list(people.order_by().values_list("pk", flat=True)[:MAX_STUDENTS]))
        if self.by_event_id:
            found |= Q(event_id=term)
        return queryset.filter(found), False


@admin.register(CellExecution)
class CellExecutionAdmin(ActivityAdmin):
    list_display = ["id", "student", "notebook", "cell", "status", "consecutive_error_count", "duration", "executed_at"]
    list_filter = ["executed_at", "status", "is_significant_error"]
    list_select_related = ["student", "notebook", "cell"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CellExecution]:
        """Defer the texts, which the list does not show: an output may have megabytes."""
        runs = super().get_queryset(request)
        return runs.defer("output", "code_content", "error_message", "traceback", "cell__content")


@admin.register(NotebookAccess)
class NotebookAccessAdmin(ActivityAdmin):
    list_display = ["id", "student", "notebook", "action", "accessed_at"]
    list_filter = ["accessed_at", "action"]
    list_select_related = ["student", "notebook"]


@admin.register(StudentEvent)
class StudentEventAdmin(ActivityAdmin):
    list_display = ["id", "event_type", "student", "notebook_path", "occurred_at", "received_at"]
    list_filter = ["occurred_at"]
    list_select_related = ["student"]


@admin.register(CellProgress)
class CellProgressAdmin(ActivityAdmin):
    by_event_id = False
    search_help_text = gettext_lazy("E-mail or name")
    list_display = ["student", "cell", "run_count", "error_count", "consecutive_error_count", "last_run_at"]
    list_filter = ["is_significant_error", "last_status"]
    list_select_related = ["student", "cell", "notebook"]


@admin.register(HelpRequest)
class HelpRequestAdmin(ActivityAdmin):
    by_event_id = False
    search_help_text = gettext_lazy("E-mail or name")
    list_display = ["student", "notebook_path", "asked_at", "claimed_by", "ended_at", "ending"]
    list_filter = ["asked_at", "ending"]
    list_select_related = ["student", "claimed_by"]


@admin.register(ClientHealth)
class ClientHealthAdmin(ActivityAdmin):
    by_event_id = False
    search_help_text = gettext_lazy("E-mail or name")
    list_display = ["student", "class_id", "version", "waiting", "dropped", "clock_offset_ms", "reported_at"]
    list_filter = ["reported_at", "version"]
    list_select_related = ["student"]
