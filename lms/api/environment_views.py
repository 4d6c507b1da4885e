"""Comparison and analysis of stored environments (http.md section 10)."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.openapi import documented, text_filter
from instructors.rest.parameters import query_integer, query_text, validated
from lms.access import environments_of
from lms.api.base import ApiView
from lms.api.environment_serializers import AnalysisRequest, AnalysisResponse, DiffRequest, DiffResponse
from lms.environments import snapshots
from lms.environments.collection import Environment
from lms.environments.health import examine
from lms.models import EnvironmentAnalysis


class SnapshotView(ApiView):
    """Base class of views that find environments by id."""

    def find(self, snapshot_id: str) -> Environment:
        """Return the environment with this id. Raises NotFound."""
        found = snapshots.find(environments_of(self.viewer), snapshot_id)
        if found is None:
            raise NotFound(f"Snapshot {snapshot_id} not found")
        self.record_view(found.student_id)
        return found

    def current_for(self, before: Environment) -> Environment:
        """Return the environment to compare with: the latest report of the same student, or the server's now."""
        seen = environments_of(self.viewer)
        return snapshots.latest_report_of(seen, before.snapshot_id) or snapshots.current(now=timezone.now())


class DiffView(SnapshotView):
    action = "get environment diff"

    @documented(
        summary="Compare with now",
        responses={200: DiffResponse},
        errors=(404,),
        parameters=[
            text_filter("from_snapshot_id", "Default: the server's environment `hours_back` hours ago."),
            OpenApiParameter("hours_back", {"type": "integer", "minimum": 1, "maximum": 168, "default": 24}),
        ],
    )
    def get(self, request: Request) -> Response:
        hours = query_integer(request, "hours_back", 24, minimum=1, maximum=168)
        given, moment = query_text(request, "from_snapshot_id"), timezone.now()
        before = self.find(given) if given else snapshots.baseline(hours_back=hours, now=moment)
        if before is None:
            message, now = "No previous snapshot available for comparison", snapshots.current(now=moment)
            return Response({"message": message, "current_snapshot_id": now.snapshot_id, "changes_detected": False})
        return Response(snapshots.compare(before, self.current_for(before)))

    @documented(
        summary="Compare two snapshots",
        request=DiffRequest,
        responses={200: DiffResponse},
        errors=(404,),
        example={"from_snapshot_id": "3f0c7c2e-6a1f-4f0e-9a35-2f1f2b7f9a10"},
    )
    def post(self, request: Request) -> Response:
        fields = validated(DiffRequest(data=request.data))
        before = self.find(fields["from_snapshot_id"])
        target = fields.get("to_snapshot_id")
        return Response(snapshots.compare(before, self.find(target) if target else self.current_for(before)))


class AnalysisView(SnapshotView):
    action = "analyze environment"

    @documented(
        summary="Analyze an environment",
        request=AnalysisRequest,
        responses={200: AnalysisResponse},
        errors=(404,),
        example={"analysis_type": "full"},
    )
    def post(self, request: Request) -> Response:
        """Rates the environment as the health check does, and stores the result. Without a target, the server's
        environment is stored and analyzed."""
        fields = validated(AnalysisRequest(data=request.data))
        now, target = timezone.now(), fields.get("target_snapshot_id")
        environment = self.find(target) if target else None
        with transaction.atomic():
            row = snapshots.row_of(environment) if environment else snapshots.store_server(forced=False, now=now)
            environment = snapshots.environment_of(row)
            found = examine(environment, now=now)
            analysis = result_of(environment, found.score, found.level, len(found.issues))
            findings = {"findings": found.issues, "recommendations": found.recommendations}
            stored = EnvironmentAnalysis.objects.create(
                snapshot=row,
                analysis_type=fields["analysis_type"],
                result={**findings, "analysis": analysis},
                created_at=now,
            )
            self.record_change("environment_analyze", stored)
        return Response(
            {
                "analysis_id": stored.analysis_id,
                **findings,
                "message": "Environment analysis completed successfully",
                "analysis": analysis,
                "snapshot_id": environment.snapshot_id,
                "analyzed_at": now,
            }
        )


def result_of(environment: Environment, score: float, level: str, issues: int) -> dict[str, Any]:
    system, python = environment.system_env, environment.python_env
    return {
        "performance_indicators": {
            "memory_usage_mb": environment.memory_usage_mb,
            "cpu_usage_percent": environment.cpu_usage_percent,
            **{name: system.get(name) for name in ("cpu_count", "memory_total_gb", "disk_free_gb")},
        },
        "compatibility_info": {
            **{name: python.get(name) for name in ("python_version", "python_implementation")},
            **{name: system.get(name) for name in ("platform", "architecture")},
            "total_packages_count": len(environment.packages),
        },
        "overall_score": score,
        "analysis_summary": f"The environment is {level}: {issues} issue{'' if issues == 1 else 's'} found.",
    }
