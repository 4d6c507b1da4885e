"""The admin site of notebook versions. Snapshots and commits cannot be changed, because their ids depend on their
contents. A history is deleted as a whole, with the contents that no other history uses.
"""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from lms.admin.base import ReadOnlyAdmin
from lms.models import NotebookBranch, NotebookHistory, NotebookSnapshot, NotebookVersion


@admin.register(NotebookHistory)
class NotebookHistoryAdmin(ReadOnlyAdmin):
    goes_along = True
    list_display = ["id", "notebook", "class_ref", "student", "owner", "created_at"]
    list_filter = ["created_at"]
    list_select_related = ["notebook", "class_ref", "student", "owner"]
    search_fields = [
        "notebook__path",
        "class_ref__class_code",
        "student__email_key__contains",
        "owner__email_key__contains",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotebookHistory]:
        return super().get_queryset(request).defer("notebook__notebook_metadata")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True


class OfHistoryAdmin(ReadOnlyAdmin):
    """Base class for rows of a history. Lists do not load contents and differences, which may be megabytes."""

    goes_along = True
    heavy: tuple[str, ...] = ()
    list_select_related = ["history__notebook", "history__class_ref", "history__student"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        rows: QuerySet[Model] = super().get_queryset(request)
        return rows.defer("metadata", "history__notebook__notebook_metadata", *self.heavy)

    @admin.display(description="notebook")
    def path(self, row: NotebookSnapshot | NotebookBranch | NotebookVersion) -> str:
        return row.history.notebook.path

    @admin.display(description="of")
    def whose(self, row: NotebookSnapshot | NotebookBranch | NotebookVersion) -> str:
        history = row.history
        return " · ".join(str(part) for part in (history.class_ref, history.student) if part)


@admin.register(NotebookSnapshot)
class NotebookSnapshotAdmin(OfHistoryAdmin):
    heavy = ("notebook_metadata", "kernel_spec")
    list_display = ["snapshot_id", "path", "whose", "total_cells", "author_name", "created_at"]
    list_filter = ["created_at"]
    search_fields = [
        "=snapshot_id",
        "history__notebook__path",
        "history__student__email_key__contains",
        "author_id",
    ]
    # Not `stored`: its page would fetch the content to name it.
    fields = readonly_fields = (
        "snapshot_id", "history", "stored_id", "author_id", "author_name", "created_at", "total_cells", "total_lines",
        "total_characters", "code_cells_count", "markdown_cells_count", "execution_count", "metadata",
        "notebook_metadata", "kernel_spec",
    )  # fmt: skip


@admin.register(NotebookBranch)
class NotebookBranchAdmin(OfHistoryAdmin):
    list_display = ["branch_name", "path", "whose", "total_versions", "last_commit_at", "is_merged"]
    list_filter = ["is_merged", "last_commit_at"]
    search_fields = ["branch_name", "=branch_id", "history__notebook__path", "created_by"]


@admin.register(NotebookVersion)
class NotebookVersionAdmin(OfHistoryAdmin):
    heavy = ("diffs", "commit_message", "tags")
    list_display = ["version_id", "version_number", "path", "whose", "status", "total_changes", "author_name",
                    "created_at"]  # fmt: skip
    list_filter = ["status", "created_at"]
    search_fields = ["=version_id", "history__notebook__path", "commit_message", "author_id"]
