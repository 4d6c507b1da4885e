"""The admin site of classroom maps, to view and delete them. The pages of classes upload and arrange them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from lms.admin.base import ReadOnlyAdmin, TabularInline
from lms.models import ClassroomMap, TeamPosition


class TeamPositionInline(TabularInline):
    model = TeamPosition
    extra = 0
    can_delete = False
    fields = readonly_fields = ("team_name", "position_x", "position_y", "updated_at", "updated_by")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ClassroomMap)
class ClassroomMapAdmin(ReadOnlyAdmin):
    goes_along = True
    list_display = ["__str__", "class_ref", "is_active", "teams", "file_size_bytes", "uploaded_at", "uploaded_by"]
    list_filter = ["is_active", "uploaded_at"]
    list_select_related = ["class_ref"]
    search_fields = ["original_filename", "image_filename", "class_ref__class_code", "class_ref__name", "uploaded_by"]
    inlines = [TeamPositionInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(number_of_teams=Count("team_positions"))
        return rows

    @admin.display(description=gettext_lazy("Teams"), ordering="number_of_teams")
    def teams(self, found: Any) -> int:
        return int(found.number_of_teams)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True
