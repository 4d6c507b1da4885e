"""Response serializers of notebook versions, for the OpenAPI document (http.md section 11)."""

from typing import Any

from rest_framework import serializers


class NotebookCellShape(serializers.Serializer[Any]):
    cell_id = serializers.CharField()
    cell_type = serializers.CharField()
    source = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    metadata = serializers.DictField()
    execution_count = serializers.IntegerField(allow_null=True)
    outputs = serializers.ListField(child=serializers.DictField())
    line_count = serializers.IntegerField()
    character_count = serializers.IntegerField()


class NotebookSnapshotShape(serializers.Serializer[Any]):
    snapshot_id = serializers.CharField(help_text="The first 16 digits of the SHA-256 of the content.")
    notebook_path = serializers.CharField()
    created_at = serializers.DateTimeField()
    notebook_metadata = serializers.DictField()
    kernel_spec = serializers.DictField()
    cells = NotebookCellShape(many=True)
    is_cut = serializers.BooleanField(help_text="Cells were left out, because the answer would be too large.")
    total_cells = serializers.IntegerField()
    total_lines = serializers.IntegerField()
    total_characters = serializers.IntegerField()
    code_cells_count = serializers.IntegerField()
    markdown_cells_count = serializers.IntegerField()
    execution_count = serializers.IntegerField(help_text="The highest number of a run.")
    last_execution_time = serializers.CharField(allow_null=True)
    metadata = serializers.DictField()
    author_id = serializers.CharField(allow_null=True)
    author_name = serializers.CharField(allow_null=True)
    class_id = serializers.IntegerField(allow_null=True)


class LineDiffShape(serializers.Serializer[Any]):
    change_type = serializers.CharField()
    content = serializers.CharField()


class CellDiffShape(serializers.Serializer[Any]):
    cell_id = serializers.CharField(allow_null=True)
    cell_type = serializers.CharField()
    change_type = serializers.CharField(help_text="added, modified, deleted or moved")
    old_content = serializers.CharField(allow_null=True)
    new_content = serializers.CharField(allow_null=True)
    line_diffs = LineDiffShape(many=True)
    lines_added = serializers.IntegerField()
    lines_deleted = serializers.IntegerField()
    lines_modified = serializers.IntegerField()
    old_index = serializers.IntegerField(allow_null=True)
    new_index = serializers.IntegerField(allow_null=True)
    outputs_changed = serializers.BooleanField()


class VersionShape(serializers.Serializer[Any]):
    version_id = serializers.CharField()
    commit_id = serializers.CharField(help_text="The same by its other name.")
    notebook_path = serializers.CharField()
    created_at = serializers.DateTimeField()
    version_number = serializers.CharField()
    status = serializers.CharField(help_text="draft, committed, tagged or archived")
    commit_message = serializers.CharField()
    message = serializers.CharField(help_text="The same by its other name.")
    branch = serializers.CharField()
    branch_name = serializers.CharField(help_text="The same by its other name.")
    author_id = serializers.CharField(allow_null=True)
    author_name = serializers.CharField(allow_null=True)
    parent_version_id = serializers.CharField(allow_null=True)
    parent_version_number = serializers.CharField(allow_null=True)
    snapshot_id = serializers.CharField()
    snapshot = NotebookSnapshotShape()
    diffs = CellDiffShape(many=True)
    total_changes = serializers.IntegerField()
    cells_added = serializers.IntegerField()
    cells_deleted = serializers.IntegerField()
    cells_modified = serializers.IntegerField()
    cells_moved = serializers.IntegerField()
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()


class BranchShape(serializers.Serializer[Any]):
    branch_id = serializers.UUIDField()
    name = serializers.CharField()
    branch_name = serializers.CharField(help_text="The same by its other name.")
    notebook_path = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    current_version_id = serializers.CharField(allow_null=True)
    branched_from_version_id = serializers.CharField(allow_null=True)
    parent_branch = serializers.CharField(allow_null=True)
    total_versions = serializers.IntegerField()
    last_commit_at = serializers.DateTimeField(allow_null=True)
    is_merged = serializers.BooleanField()
    merged_at = serializers.DateTimeField(allow_null=True)
    merged_into = serializers.CharField(allow_null=True)
    metadata = serializers.DictField()


class NotebookSnapshotResponse(serializers.Serializer[Any]):
    snapshot_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    metadata = serializers.DictField()
    message = serializers.CharField()
    snapshot = NotebookSnapshotShape()


class CommitResponse(serializers.Serializer[Any]):
    commit_id = serializers.CharField()
    version_id = serializers.CharField()
    message = serializers.CharField(help_text="The commit's.")
    commit_message = serializers.CharField()
    branch = serializers.CharField()
    branch_name = serializers.CharField()
    created_at = serializers.DateTimeField()
    version = VersionShape()
    version_number = serializers.CharField()


class DirectCommitResponse(CommitResponse):
    snapshot = NotebookSnapshotShape()


class NotebookHistoryResponse(serializers.Serializer[Any]):
    commits = VersionShape(many=True, help_text="Newest first.")
    history = VersionShape(many=True, help_text="The same.")
    branch_info = serializers.DictField()
    statistics = serializers.DictField()
    message = serializers.CharField()
    notebook_path = serializers.CharField()
    retrieved_at = serializers.DateTimeField()


class VersionResponse(serializers.Serializer[Any]):
    message = serializers.CharField()
    version = VersionShape()
    version_id = serializers.CharField()
    retrieved_at = serializers.DateTimeField()


class NotebookLatestResponse(VersionResponse):
    notebook_path = serializers.CharField()
    branch_name = serializers.CharField()
    branch = serializers.CharField()


class NewBranchResponse(serializers.Serializer[Any]):
    branch_id = serializers.UUIDField()
    name = serializers.CharField()
    branch_name = serializers.CharField()
    created_at = serializers.DateTimeField()
    message = serializers.CharField()
    branch = BranchShape()


class BranchesResponse(serializers.Serializer[Any]):
    branches = BranchShape(many=True)
    active_branch = serializers.CharField(help_text="The one committed to last.")
    merge_status = serializers.DictField()


class BranchResponse(serializers.Serializer[Any]):
    message = serializers.CharField()
    branch = BranchShape()
    branch_id = serializers.UUIDField()
    retrieved_at = serializers.DateTimeField()


class ComparisonShape(serializers.Serializer[Any]):
    from_version_id = serializers.CharField()
    to_version_id = serializers.CharField()
    from_commit_id = serializers.CharField()
    to_commit_id = serializers.CharField()
    from_version_number = serializers.CharField()
    to_version_number = serializers.CharField()
    cell_diffs = CellDiffShape(many=True)
    summary = serializers.DictField()
    similarity_score = serializers.FloatField(help_text="0 to 1.")
    change_significance = serializers.CharField(help_text="minor, major or breaking")
    recommended_actions = serializers.ListField(child=serializers.CharField())


class ComparisonResponse(serializers.Serializer[Any]):
    diff = serializers.CharField(allow_blank=True)
    changes = CellDiffShape(many=True)
    statistics = serializers.DictField()
    message = serializers.CharField()
    comparison = ComparisonShape()
    from_version_id = serializers.CharField()
    to_version_id = serializers.CharField()
    compared_at = serializers.DateTimeField()


class NotebookSnapshotDetailResponse(serializers.Serializer[Any]):
    snapshot_data = serializers.DictField(help_text="The content as it was sent.")
    metadata = serializers.DictField()
    related_commits = VersionShape(many=True)
    message = serializers.CharField()
    snapshot = NotebookSnapshotShape()
    snapshot_id = serializers.CharField()
    retrieved_at = serializers.DateTimeField()


class NotebookStatsResponse(serializers.Serializer[Any]):
    total_snapshots = serializers.IntegerField()
    total_commits = serializers.IntegerField()
    active_branches = serializers.IntegerField()
    message = serializers.CharField()
    stats = serializers.DictField()
    retrieved_at = serializers.DateTimeField()
