"""Request and response serializers of environments."""

from typing import Any

from rest_framework import serializers

from instructors.rest.fields import RawText
from lms.environments.collection import Environment
from lms.models import EnvironmentSnapshot


class SnapshotRequest(serializers.Serializer[Any]):
    """With `environment`, a report of a student's environment; without, the server's own is collected."""

    force_full_collection = serializers.BooleanField(default=False)
    notebook_path = RawText(required=False, allow_null=True, max_length=1024)
    cell_id = RawText(required=False, allow_null=True, max_length=255)
    execution_count = serializers.IntegerField(required=False, allow_null=True, min_value=-(2**31), max_value=2**31 - 1)
    environment = serializers.DictField(
        required=False,
        allow_null=True,
        help_text="A report of a student's environment: `python_version`, `packages`, …",
    )
    student_email = RawText(required=False, allow_null=True, max_length=320, help_text="The student's address.")
    emailAddress = RawText(required=False, allow_null=True, max_length=320, help_text="The same, by its other name.")


class DiffRequest(serializers.Serializer[Any]):
    from_snapshot_id = RawText()
    to_snapshot_id = RawText(required=False, allow_null=True, help_text="Default: now.")


class AnalysisRequest(serializers.Serializer[Any]):
    analysis_type = RawText(required=False, max_length=100, default="full")
    target_snapshot_id = RawText(required=False, allow_null=True, help_text="Default: the server, now.")


class PackageShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.CharField()
    location = serializers.CharField(allow_null=True)
    requires = serializers.ListField(child=serializers.CharField())


class SnapshotShape(serializers.Serializer[Any]):
    snapshot_id = serializers.UUIDField()
    captured_at = serializers.DateTimeField()
    python_env = serializers.DictField()
    system_env = serializers.DictField()
    jupyter_env = serializers.DictField()
    notebook_path = serializers.CharField(allow_null=True)
    cell_id = serializers.CharField(allow_null=True)
    execution_count = serializers.IntegerField(allow_null=True)
    memory_usage_mb = serializers.FloatField(allow_null=True)
    cpu_usage_percent = serializers.FloatField(allow_null=True)
    is_full_snapshot = serializers.BooleanField()
    changed_packages = serializers.ListField(child=serializers.CharField())
    collection_duration_ms = serializers.FloatField()
    source = serializers.CharField(help_text="server or client")  # type: ignore[assignment]


class CurrentResponse(serializers.Serializer[Any]):
    python_version = serializers.CharField()
    system_info = serializers.DictField()
    jupyter_info = serializers.DictField()
    package_summary = serializers.DictField()
    message = serializers.CharField()
    snapshot = SnapshotShape()
    collection_time_ms = serializers.FloatField()
    is_full_snapshot = serializers.BooleanField()


class EnvironmentSummaryResponse(serializers.Serializer[Any]):
    message = serializers.CharField()
    summary = serializers.DictField()
    timestamp = serializers.DateTimeField()


class SnapshotResponse(serializers.Serializer[Any]):
    snapshot_id = serializers.UUIDField()
    collection_time_ms = serializers.FloatField()
    summary = serializers.DictField()
    message = serializers.CharField()
    snapshot = SnapshotShape()
    changed_packages_count = serializers.IntegerField()


class PackagesResponse(serializers.Serializer[Any]):
    installed_packages = PackageShape(many=True)
    pip_packages = PackageShape(many=True)
    conda_packages = PackageShape(many=True)
    message = serializers.CharField()
    packages = PackageShape(many=True, help_text="The key ones; all with `include_all`.")
    total_packages_count = serializers.IntegerField(help_text="Of all installed ones, never narrowed.")
    snapshot_id = serializers.UUIDField()
    collected_at = serializers.DateTimeField()


class HealthResponse(serializers.Serializer[Any]):
    health_level = serializers.CharField(help_text="excellent, good, warning or critical")
    issues = serializers.ListField(child=serializers.CharField())
    recommendations = serializers.ListField(child=serializers.CharField())
    message = serializers.CharField()
    health_score = serializers.FloatField(help_text="0 to 1.")
    warnings = serializers.ListField(child=serializers.CharField(), help_text="The same as `issues`.")
    snapshot_id = serializers.UUIDField()
    checked_at = serializers.DateTimeField()


class NameAndVersion(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.CharField()


class VersionChange(serializers.Serializer[Any]):
    name = serializers.CharField()
    old_version = serializers.CharField()
    new_version = serializers.CharField()


class DiffResponse(serializers.Serializer[Any]):
    message = serializers.CharField()
    changes_detected = serializers.BooleanField()
    changes = serializers.ListField(child=serializers.DictField(), required=False)
    added_packages = NameAndVersion(many=True, required=False)
    removed_packages = NameAndVersion(many=True, required=False)
    version_changes = VersionChange(many=True, required=False)
    from_snapshot_id = serializers.UUIDField(required=False)
    to_snapshot_id = serializers.UUIDField(required=False)
    diff = serializers.DictField(required=False)
    current_snapshot_id = serializers.UUIDField(required=False, help_text="Where there is nothing to compare with.")


class AnalysisResponse(serializers.Serializer[Any]):
    analysis_id = serializers.UUIDField()
    findings = serializers.ListField(child=serializers.CharField())
    recommendations = serializers.ListField(child=serializers.CharField())
    message = serializers.CharField()
    analysis = serializers.DictField()
    snapshot_id = serializers.UUIDField()
    analyzed_at = serializers.DateTimeField()


def shown(environment: Environment, row: EnvironmentSnapshot | None = None) -> dict[str, Any]:
    """Return the snapshot object of the contract. `row` is the stored snapshot, if there is one."""
    return {
        "snapshot_id": environment.snapshot_id,
        "captured_at": environment.captured_at,
        "python_env": environment.python_env,
        "system_env": environment.system_env,
        "jupyter_env": environment.jupyter_env,
        "notebook_path": row.notebook_path if row else None,
        "cell_id": row.cell_id if row else None,
        "execution_count": row.execution_count if row else None,
        "memory_usage_mb": environment.memory_usage_mb,
        "cpu_usage_percent": environment.cpu_usage_percent,
        "is_full_snapshot": row.is_full_snapshot if row else True,
        "changed_packages": row.changed_packages if row else [],
        "collection_duration_ms": environment.duration_ms,
        "source": row.source if row else EnvironmentSnapshot.Source.SERVER.value,
    }


def summary_of(environment: Environment) -> dict[str, Any]:
    python, system = environment.python_env, environment.system_env
    return {
        "python_version": python.get("python_version"),
        "python_implementation": python.get("python_implementation"),
        "platform": system.get("platform"),
        "architecture": system.get("architecture"),
        "virtual_env": python.get("virtual_env"),
        "conda_env": python.get("conda_env"),
        "jupyterlab_version": environment.jupyter_env.get("jupyterlab_version"),
        "total_packages_count": len(environment.packages),
        "memory_usage_mb": environment.memory_usage_mb,
        "cpu_usage_percent": environment.cpu_usage_percent,
    }
