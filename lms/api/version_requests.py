"""What the endpoints of notebook versions take (http.md section 11). Fields with two names: either will do."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from core.json_values import TooDeep, storable
from instructors.rest.fields import Name, RawText, RowId
from lms.api.notebook_content import NotebookContent

LONGEST_PATH = 2_600  # bytes; PostgreSQL indexes no longer one


class Path(Name):
    default_error_messages = {"long": f"A path may be {LONGEST_PATH} bytes long"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 1024, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        path = super().to_internal_value(data)
        if len(path.encode()) > LONGEST_PATH:
            self.fail("long")
        return path


class Authored(serializers.Serializer[Any]):
    author_id = RawText(required=False, allow_null=True, max_length=255, help_text="Default: `anonymous`.")
    author_name = RawText(required=False, allow_null=True, max_length=255, help_text="Default: `anonymous`.")


class Facts(serializers.DictField):
    """Anything that a client wants to be kept with a snapshot, as far as JSON in PostgreSQL can hold it."""

    default_error_messages = {"deep": "Input is nested too deeply"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = storable(super().to_internal_value(data))
        except TooDeep:
            self.fail("deep")
        return kept


CLASS = "Whose history it is for: this class's. Default: the caller's own; with a class key the class of the key."


class NotebookSnapshotRequest(Authored):
    notebook_path = Path()
    metadata = Facts(required=False, allow_null=True)
    notebook_content = NotebookContent(
        required=False, allow_null=True, help_text="Default: the newest that is known of this path."
    )
    class_id = RowId(required=False, allow_null=True, help_text=CLASS)


class CommitRequest(Authored):
    """Either name of the message; of the branch, either or none."""

    snapshot_id = RawText()
    message = RawText(required=False, allow_null=True)
    commit_message = RawText(required=False, allow_null=True, help_text="The same by its other name.")
    branch = RawText(required=False, allow_null=True, max_length=100, help_text="Default: `main`.")
    branch_name = RawText(required=False, allow_null=True, max_length=100, help_text="The same by its other name.")
    notebook_path = Path(required=False, allow_null=True, help_text="Default: the snapshot's.")


class DirectCommitRequest(CommitRequest):
    snapshot_id = None  # type: ignore[assignment]
    notebook_path = Path()
    notebook_content = NotebookContent()
    class_id = RowId(required=False, allow_null=True, help_text=CLASS)


class BranchRequest(serializers.Serializer[Any]):
    branch_name = Name(max_length=100)
    from_commit_id = RawText(required=False, allow_null=True)
    from_version_id = RawText(required=False, allow_null=True, help_text="The same by its other name.")
    notebook_path = Path(required=False, allow_null=True, help_text="Only a version of this path.")
    author_id = RawText(required=False, allow_null=True, max_length=255)
    description = RawText(required=False, allow_null=True)


class ComparisonRequest(serializers.Serializer[Any]):
    from_commit_id = RawText(required=False, allow_null=True)
    to_commit_id = RawText(required=False, allow_null=True)
    from_version_id = RawText(required=False, allow_null=True, help_text="The same by its other name.")
    to_version_id = RawText(required=False, allow_null=True, help_text="The same by its other name.")


def opaque(name: str, meaning: str = "") -> OpenApiParameter:
    """An id in the path that is no integer."""
    return OpenApiParameter(name, str, OpenApiParameter.PATH, required=True, description=meaning)
