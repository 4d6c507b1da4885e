"""What every page of the admin site shares: lists whose cost does not grow with their table, searches by key."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy

from core.identity import email_key
from lms.deletion import delete_row, delete_rows

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    Pages = Paginator[Any]
else:
    ModelAdmin, Pages = admin.ModelAdmin, Paginator

admin.site.site_header = admin.site.site_title = "Cell Monitor"
admin.site.index_title = gettext_lazy("Administration")

# Rows that a list counts before it stops; older ones are found through a filter or the search.
MOST_COUNTED = 10_000


class CappedPaginator(Pages):
    """Counts at most MOST_COUNTED rows: COUNT(*) over millions would cost more than the page."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[:MOST_COUNTED].count()


class CascadeAdmin(ModelAdmin):
    """Deletes as everybody does, with what no cascade takes along.

    `goes_along`: its rows go with what they hang on, though nobody may delete them alone.
    """

    goes_along = False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        tree, counts, refused, protected = super().get_deleted_objects(objs, request)
        offices = self.admin_site._registry.items()
        along = {str(model._meta.verbose_name) for model, office in offices if getattr(office, "goes_along", False)}
        return tree, counts, {name for name in refused if str(name) not in along}, protected

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        delete_row(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        delete_rows(queryset)


class KeySearch(ModelAdmin):
    """A search finds what is spelt otherwise too, where `search_fields` name the column of a key (`core.identity`): by
    `contains`, because `icontains` takes ı and i for the same."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if (key := email_key(search_term)) and key != search_term:
            others, others_repeat = super().get_search_results(request, queryset, key)
            found, may_repeat = found | others, may_repeat or others_repeat
        return found, may_repeat


class LargeTableAdmin(KeySearch, CascadeAdmin):
    """A changelist whose cost does not grow with its table, and `updated_at` kept where the table has one."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if change and hasattr(obj, "updated_at"):
            obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)


class ReadOnlyAdmin(LargeTableAdmin):
    """Rows that the event pipeline owns: here one only looks at them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
