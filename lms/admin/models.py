"""The admin site of people, classes and course material; and what every admin page of a big table shares."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext, gettext_lazy
from import_export.admin import ExportMixin

from core.identity import email_key
from lms.class_keys import create_key, end_keys
from lms.deletion import delete_row, delete_rows
from lms.export import FORMATS, SubmissionResource
from lms.models import (
    AssignmentSubmission,
    Cell,
    Class,
    ClassAssignment,
    ClassKey,
    ClassStaff,
    EnvironmentSnapshot,
    Notebook,
    Session,
    Student,
    StudentClass,
    SystemSetting,
    Team,
)
from lms.spreadsheets import ENCODING
from lms.system_settings import (
    BOUNDS,
    DEFAULTS,
    SMALLEST_AND_LARGEST,
    TYPE_NAMES,
    BadSetting,
    read,
    text_of,
)

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    Pages = Paginator[Any]
    Form = forms.ModelForm[Any]
else:
    ModelAdmin, TabularInline, Pages, Form = admin.ModelAdmin, admin.TabularInline, Paginator, forms.ModelForm

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


class TidyDeletion(ModelAdmin):
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


class CalmAdmin(KeySearch, TidyDeletion):
    """A changelist whose cost does not grow with its table, and `updated_at` kept where the table has one."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if change and hasattr(obj, "updated_at"):
            obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)


class ReadOnlyAdmin(CalmAdmin):
    """Rows that the event pipeline owns: here one only looks at them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Team)
class TeamAdmin(CalmAdmin):
    list_display = ["team_name", "description", "created_at"]
    search_fields = ["team_name", "team_key__contains"]
    readonly_fields = ["created_at", "updated_at"]


@admin.register(Student)
class StudentAdmin(CalmAdmin):
    list_display = ["email", "name", "team", "is_requesting_help", "execution_count", "error_count", "last_activity_at"]
    list_filter = ["is_requesting_help", "last_activity_at"]
    list_select_related = ["team"]
    search_fields = ["email_key__contains", "name"]
    autocomplete_fields = ["team"]

    def get_fields(self, request: HttpRequest, obj: Student | None = None) -> list[Any]:
        return ["email", "name", "team", *(self.get_readonly_fields(request, obj) if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Student | None = None) -> list[str]:
        """Everything but the person is state, and the event pipeline alone writes it."""
        person = {"id", "email", "email_key", "name", "team"}
        return [field.name for field in Student._meta.fields if field.name not in person]


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ["session_id", "student", "start_time", "end_time", "is_active", "last_event_at"]
    list_filter = ["is_active"]
    list_select_related = ["student"]
    search_fields = ["session_id", "student__email_key__contains"]


@admin.register(Notebook)
class NotebookAdmin(CalmAdmin):
    list_display = ["name", "path", "is_course_material", "last_modified", "created_at"]
    search_fields = ["path"]
    readonly_fields = ["created_at", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notebook]:
        return super().get_queryset(request).defer("notebook_metadata")


@admin.register(Cell)
class CellAdmin(CalmAdmin):
    list_display = ["cell_id", "notebook", "cell_type", "position"]
    list_select_related = ["notebook"]
    search_fields = ["=cell_id", "notebook__path"]
    raw_id_fields = ["notebook"]


class ClassStaffInline(TabularInline):
    model = ClassStaff
    extra = 0
    autocomplete_fields = ["instructor"]
    readonly_fields = ["added_at"]


@admin.register(Class)
class ClassAdmin(CalmAdmin):
    list_display = ["class_code", "name", "instructor", "start_date", "end_date", "is_active"]
    list_filter = ["is_active", "start_date"]
    list_select_related = ["instructor"]
    search_fields = ["class_code", "name"]
    autocomplete_fields = ["instructor"]
    readonly_fields = ["created_at", "updated_at"]
    inlines = [ClassStaffInline]


@admin.register(StudentClass)
class StudentClassAdmin(CalmAdmin):
    list_display = ["student", "class_ref", "role", "joined_at"]
    list_filter = ["joined_at"]
    list_select_related = ["student", "class_ref"]
    search_fields = ["student__email_key__contains", "student__name", "class_ref__class_code"]
    autocomplete_fields = ["student", "class_ref"]


@admin.register(ClassStaff)
class ClassStaffAdmin(CalmAdmin):
    list_display = ["instructor", "class_ref", "role", "added_at"]
    list_filter = ["role"]
    list_select_related = ["instructor", "class_ref"]
    search_fields = ["instructor__email_key__contains", "class_ref__class_code"]
    autocomplete_fields = ["instructor", "class_ref"]


@admin.register(ClassKey)
class ClassKeyAdmin(CalmAdmin):
    """A key is shown in the message after its creation and never again."""

    list_display = ["hint", "class_ref", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["revoked_at"]
    list_select_related = ["class_ref"]
    search_fields = ["hint", "class_ref__class_code", "class_ref__name"]
    autocomplete_fields = ["class_ref"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: ClassKey | None = None) -> list[Any]:
        return ["class_ref", "hint", "created_at", "last_used_at", "revoked_at"] if obj else ["class_ref"]

    def get_readonly_fields(self, request: HttpRequest, obj: ClassKey | None = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            return
        made, key = create_key(obj.class_ref)
        obj.pk = made.pk
        obj.refresh_from_db()
        address = request.build_absolute_uri(f"/api/v1/events?key={key}")
        text = gettext(
            "The key is %(key)s . Copy it now: it is not shown again. Address for the extension: %(address)s"
        )
        messages.warning(request, text % {"key": key, "address": address})

    @admin.action(description=gettext_lazy("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ClassKey]) -> None:
        count = end_keys(keys, at=timezone.now())
        messages.success(request, gettext("Keys revoked: %(count)d") % {"count": count})


class SubmissionInline(TabularInline):
    """The grades of an assignment on its page. What was handed in is not changed here, and not fetched either."""

    model = AssignmentSubmission
    extra = 0
    can_delete = False
    fields = ["student", "submitted_at", "status", "grade", "feedback"]
    readonly_fields = ["student", "submitted_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("student").defer("notebook_content")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ClassAssignment)
class ClassAssignmentAdmin(CalmAdmin):
    list_display = ["title", "class_ref", "notebook", "due_date", "points"]
    list_filter = ["due_date"]
    list_select_related = ["class_ref", "notebook"]
    search_fields = ["title", "class_ref__class_code", "class_ref__name"]
    autocomplete_fields = ["class_ref", "notebook"]
    readonly_fields = ["created_at", "updated_at"]
    inlines = [SubmissionInline]


@admin.register(AssignmentSubmission)
class AssignmentSubmissionAdmin(ExportMixin, CalmAdmin):  # type: ignore[misc]
    """Graded here and exported as a table; the export holds what the list's filters and search leave."""

    resource_classes = [SubmissionResource]
    export_formats = FORMATS
    to_encoding = ENCODING
    skip_export_form = True
    list_display = ["id", "assignment", "student", "submitted_at", "status", "grade"]
    list_filter = ["status", "submitted_at"]
    list_select_related = ["assignment", "student"]
    search_fields = [
        "student__email_key__contains",
        "student__name",
        "assignment__title",
        "assignment__class_ref__class_code",
    ]
    autocomplete_fields = ["assignment", "student"]
    exclude = ["notebook_content"]
    readonly_fields = ["content_sha256"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("assignment__class_ref", "student")
        return rows.defer("notebook_content")


UNREADABLE = {
    "int": gettext_lazy("This must be a whole number."),
    "bool": gettext_lazy("This must be true or false."),
    "json": gettext_lazy("This must be JSON."),
}


class SystemSettingForm(Form):
    def clean(self) -> dict[str, Any]:
        """The same bounds as over the API: a value that its reader could not parse would only show up in class."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        key, text, kind = (found.get(name) for name in ("setting_key", "setting_value", "setting_type"))
        if key and text and kind:
            self._check(key, text.strip(), kind)
        return found

    def _check(self, key: str, text: str, kind: str) -> None:
        try:
            value = read(key, text, kind)
        except BadSetting:
            self.add_error("setting_value", UNREADABLE[kind])
            return
        wanted = TYPE_NAMES.get(type(DEFAULTS.get(key)))
        least, most = BOUNDS.get(key, SMALLEST_AND_LARGEST)
        if wanted and kind != wanted:
            self.add_error("setting_type", gettext("This setting is of type %(type)s.") % {"type": wanted})
        elif kind == "int" and not least <= value <= most:
            bounds = {"least": least, "most": most}
            self.add_error("setting_value", gettext("This must be between %(least)d and %(most)d.") % bounds)
        else:
            self._write(key, value, kind)

    def _write(self, key: str, value: Any, kind: str) -> None:
        try:
            self.cleaned_data["setting_value"] = text_of(key, value, kind)
        except BadSetting as error:  # null characters
            self.add_error("setting_value", str(error))


@admin.register(SystemSetting)
class SystemSettingAdmin(CalmAdmin):
    form = SystemSettingForm
    list_display = ["setting_key", "setting_value", "setting_type", "is_active", "updated_at"]
    list_filter = ["is_active", "setting_type"]
    search_fields = ["setting_key", "description"]
    readonly_fields = ["created_at", "updated_at"]


@admin.register(EnvironmentSnapshot)
class EnvironmentSnapshotAdmin(ReadOnlyAdmin):
    list_display = ["captured_at", "source", "student", "class_ref", "is_full_snapshot"]
    list_filter = ["source", "captured_at"]
    list_select_related = ["student", "class_ref"]
    search_fields = ["=snapshot_id", "student__email_key__contains", "class_ref__class_code"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EnvironmentSnapshot]:
        """The list shows no packages, so it reads none: one report may hold hundreds."""
        return super().get_queryset(request).defer("packages", "versions", "reported")


# The rest of the administration of this app. At the end, because it is made of what is above.
from lms.admin import maps as admin_maps  # noqa: E402, F401
