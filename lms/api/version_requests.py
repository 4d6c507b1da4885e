"""Request serializers of notebook versions (http.md section 11). Some fields have two names; either is accepted."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from core.json_values import TooDeep, storable
from instructors.rest.fields import Name, RawText, RowId
from lms.api.notebook_content import NotebookContent

MAX_PATH_BYTES = 2_600  # the longest text that PostgreSQL can index


class Path(Name):
    """The path of a notebook."""

    default_error_messages = {"long": f"A path may be {MAX_PATH_BYTES} bytes long"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 1024, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        path = super().to_internal_value(data)
        if len(path.encode()) > MAX_PATH_BYTES:
            self.fail("long")
        return path


class Authored(serializers.Serializer[Any]):
    author_id = RawText(required=False, allow_null=True, max_length=255, help_text="Default: `anonymous`.")
    author_name = RawText(required=False, allow_null=True, max_length=255, help_text="Default: `anonymous`.")


class Metadata(serializers.DictField):
    """Any data that a client stores with a snapshot, as far as JSON in PostgreSQL can store it."""

    default_error_messages = {"deep": "Input is nested too deeply"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            value: dict[str, Any] = storable(super().to_internal_value(data))
        except TooDeep:
            self.fail("deep")
        return value


CLASS = "The class whose history is written. Default: the caller's own history; with a class key, the class of the key."


class NotebookSnapshotRequest(Authored):
    notebook_path = Path()
    metadata = Metadata(required=False, allow_null=True)
    notebook_content = NotebookContent(
        required=False, allow_null=True, help_text="Default: the newest content of this path."
    )
    class_id = RowId(required=False, allow_null=True, help_text=CLASS)


class CommitRequest(Authored):
    """The message is required under one of its names, the branch under none."""

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
    notebook_path = Path(required=False, allow_null=True, help_text="The version must be of this path.")
    author_id = RawText(required=False, allow_null=True, max_length=255)
    description = RawText(required=False, allow_null=True)


class ComparisonRequest(serializers.Serializer[Any]):
    from_commit_id = RawText(required=False, allow_null=True)
    to_commit_id = RawText(required=False, allow_null=True)
    from_version_id = RawText(required=False, allow_null=True, help_text="The same by its other name.")
    to_version_id = RawText(required=False, allow_null=True, help_text="The same by its other name.")


def opaque(name: str) -> OpenApiParameter:
    """Describe an id in the path that is no integer."""
    return OpenApiParameter(name, str, OpenApiParameter.PATH, required=True)
