"""Base classes of the admin site: lists whose cost does not grow with their table, deletion, searches by key."""

from typing import TYPE_CHECKING, Any

from django import forms
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
    TabularInline = admin.TabularInline[Any, Any]
    ModelForm = forms.ModelForm[Any]
    Pages = Paginator[Any]
else:
    ModelAdmin, TabularInline, ModelForm, Pages = admin.ModelAdmin, admin.TabularInline, forms.ModelForm, Paginator

admin.site.site_header = admin.site.site_title = "Cell Monitor"
admin.site.index_title = gettext_lazy("Administration")

# Maximum number of rows that a list counts; older ones are reached by filters or the search.
MAX_COUNT = 10_000


class CappedPaginator(Pages):
    """Count at most MAX_COUNT rows: COUNT(*) over millions would cost more than the page."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[:MAX_COUNT].count()


class CascadeAdmin(ModelAdmin):
    """Delete through `lms.deletion`, with what no cascade deletes.

    `goes_along`: rows of this model may be deleted by a cascade, even if there is no permission to delete them alone.
    """

    goes_along = False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        tree, counts, refused, protected = super().get_deleted_objects(objs, request)
        registered = self.admin_site._registry.items()
        allowed = {str(model._meta.verbose_name) for model, each in registered if getattr(each, "goes_along", False)}
        return tree, counts, {name for name in refused if str(name) not in allowed}, protected

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        delete_row(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        delete_rows(queryset)


class KeySearch(ModelAdmin):
    """Search by the key of the search term too, so that other spellings are found (`core.identity`).

    `search_fields` name the column of the key with `contains`, because `icontains` equates ı and i.
    """

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if (key := email_key(search_term)) and key != search_term:
            others, others_repeat = super().get_search_results(request, queryset, key)
            found, may_repeat = found | others, may_repeat or others_repeat
        return found, may_repeat


class LargeTableAdmin(KeySearch, CascadeAdmin):
    """A changelist whose cost does not grow with its table. Changes set `updated_at` if the model has it."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if change and hasattr(obj, "updated_at"):
            obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)


class ReadOnlyAdmin(LargeTableAdmin):
    """Rows that the event pipeline writes. They can be viewed only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
