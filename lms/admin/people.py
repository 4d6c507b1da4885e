"""The admin site of teams, sessions, notebooks, notifications and environments."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from lms.admin.base import LargeTableAdmin, ReadOnlyAdmin
from lms.models import (
    Cell,
    EnvironmentSnapshot,
    Notebook,
    ProgressNotification,
    Session,
    Team,
)


@admin.register(Team)
class TeamAdmin(LargeTableAdmin):
    list_display = ["team_name", "description", "created_at"]
    search_fields = ["team_name", "team_key__contains"]
    readonly_fields = ["created_at", "updated_at"]


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ["session_id", "student", "start_time", "end_time", "is_active", "last_event_at"]
    list_filter = ["is_active"]
    list_select_related = ["student"]
    search_fields = ["session_id", "student__email_key__contains"]


@admin.register(Notebook)
class NotebookAdmin(LargeTableAdmin):
    list_display = ["name", "path", "is_course_material", "last_modified", "created_at"]
    search_fields = ["path"]
    readonly_fields = ["created_at", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notebook]:
        return super().get_queryset(request).defer("notebook_metadata")


@admin.register(Cell)
class CellAdmin(LargeTableAdmin):
    list_display = ["cell_id", "notebook", "cell_type", "position"]
    list_select_related = ["notebook"]
    search_fields = ["=cell_id", "notebook__path"]
    raw_id_fields = ["notebook"]


@admin.register(EnvironmentSnapshot)
class EnvironmentSnapshotAdmin(ReadOnlyAdmin):
    list_display = ["captured_at", "source", "student", "class_ref", "is_full_snapshot"]
    list_filter = ["source", "captured_at"]
    list_select_related = ["student", "class_ref"]
    search_fields = ["=snapshot_id", "student__email_key__contains", "class_ref__class_code"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EnvironmentSnapshot]:
        """Defer the packages, which the list does not show: a report may have hundreds."""
        return super().get_queryset(request).defer("packages", "versions", "reported")


@admin.register(ProgressNotification)
class ProgressNotificationAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "recipient_id", "title", "level", "is_read"]
    list_filter = ["level", "is_read"]
    search_fields = ["=recipient_id"]
