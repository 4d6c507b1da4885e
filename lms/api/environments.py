"""Environments: that of the server, and those that students' JupyterLabs report (docs/contract/http.md section 10)."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from core.identity import email_key, is_identity
from instructors.rest.exceptions import TooLarge, Unprocessable
from instructors.rest.openapi import documented, text_filter
from instructors.rest.parameters import query_boolean, validated
from lms.access import students_of, with_email
from lms.api.base import ApiView
from lms.api.environment_serializers import (
    CurrentResponse,
    EnvironmentSummaryResponse,
    HealthResponse,
    PackagesResponse,
    SnapshotRequest,
    SnapshotResponse,
    shown,
    summary_of,
)
from lms.api.permissions import ClassKeyOrLogin
from lms.bulk_get_or_create import get_or_enrol
from lms.credential_holders import ClassKeyHolder, StudentTokenHolder
from lms.environments import reports, snapshots
from lms.environments.collection import installed
from lms.environments.health import examine
from lms.environments.packages import filter_by_name, key_packages
from lms.models import EnvironmentSnapshot

IN_QUERY = ("force_full_collection", "notebook_path", "cell_id", "execution_count")
REPORT = {
    "student_email": "student001@example.com",
    "environment": {"python_version": "3.11.9", "packages": {"numpy": "2.1.3", "pandas": "2.2.3"}},
}


class CurrentView(ApiView):
    action = "collect current environment"

    @documented(summary="The server's environment", responses={200: CurrentResponse})
    def get(self, request: Request) -> Response:
        now = snapshots.current(now=timezone.now())
        python = now.python_env
        return Response(
            {
                "python_version": python["python_version"],
                "system_info": now.system_env,
                "jupyter_info": now.jupyter_env,
                "package_summary": {name: python[name] for name in ("total_packages_count", "key_packages")},
                "message": "Current environment retrieved successfully",
                "snapshot": shown(now),
                "collection_time_ms": now.duration_ms,
                "is_full_snapshot": True,
            }
        )


class SummaryView(ApiView):
    action = "get environment summary"

    @documented(summary="Summary of the server's environment", responses={200: EnvironmentSummaryResponse})
    def get(self, request: Request) -> Response:
        now = snapshots.current(now=timezone.now())
        message = "Environment summary retrieved successfully"
        return Response({"message": message, "summary": summary_of(now), "timestamp": now.captured_at})


class SnapshotsView(ApiView):
    action = "create environment snapshot"
    key_methods = token_methods = frozenset({"POST"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="Store an environment",
        request=SnapshotRequest,
        responses={201: SnapshotResponse},
        errors=(404,),
        parameters=[OpenApiParameter("force_full_collection", bool), OpenApiParameter("execution_count", int)]
        + [
            text_filter(name, "The same as in the body, which takes precedence.")
            for name in ("notebook_path", "cell_id")
        ],
        example=REPORT,
    )
    def post(self, request: Request) -> Response:
        """Store the server's environment, or, with `environment`, a report of a student's, stored as sent. With a class
        key, `environment` is required, and the student of `student_email` is enrolled if necessary. With a student
        token, `environment` is required, and the student is its own."""
        fields = validated(SnapshotRequest(data=self.input(request)))
        context = {name: fields.get(name) for name in IN_QUERY[1:]}
        reported, now = fields.get("environment"), timezone.now()
        if reported is None:
            if self.holder is not None:
                noun = "class key" if isinstance(self.holder, ClassKeyHolder) else "student token"
                raise Unprocessable(["body", "environment"], f"Field required with a {noun}", "missing")
            with transaction.atomic():
                row = snapshots.store_server(forced=fields["force_full_collection"], now=now, **context)
                self.record_change("environment_snapshot", row)
        else:
            row = self.store_report(reported, fields.get("student_email") or fields.get("emailAddress"), now, context)
        stored = snapshots.environment_of(row)
        if isinstance(self.holder, ClassKeyHolder):
            row.changed_packages = []  # they would reveal an earlier report, perhaps of a classmate with the same key
        return Response(
            {
                "snapshot_id": stored.snapshot_id,
                "collection_time_ms": stored.duration_ms,
                "summary": summary_of(stored),
                "message": "Environment snapshot created successfully",
                "snapshot": shown(stored, row),
                "changed_packages_count": len(row.changed_packages),
            },
            status=201,
        )

    def input(self, request: Request) -> dict[str, Any]:
        """Return the body, with the parameters of the query as defaults. Raises Unprocessable."""
        body = request.data
        if not isinstance(body, dict):
            raise Unprocessable(["body"], "Input should be a valid dictionary", "dict_type")
        return {name: request.query_params[name] for name in IN_QUERY if name in request.query_params} | body

    def store_report(
        self, reported: dict[str, Any], email: str | None, now: datetime, context: dict[str, Any]
    ) -> EnvironmentSnapshot:
        """Store a report of the student with this address. Raises TooLarge, NotFound, Unprocessable."""
        try:
            environment = reports.read_report(reported, now=now)
        except reports.ReportTooLarge:
            raise TooLarge(f"The environment exceeds {reports.MAX_BYTES} bytes or {reports.MAX_DEPTH} levels") from None
        class_id = self.holder.class_id if self.holder else None
        with transaction.atomic():
            student_id = self.student_of(email.strip(), class_id) if email and email_key(email) else self.own_id
            row = snapshots.store_report(environment, student_id=student_id, class_id=class_id, **context)
            self.record_change("environment_report", row)
        return row

    @property
    def own_id(self) -> int | None:
        """The id of the student whose token was sent; None without one."""
        return self.holder.student_id if isinstance(self.holder, StudentTokenHolder) else None

    def student_of(self, email: str, class_id: int | None) -> int:
        """Return the id of the student, enrolled in the key's class. With a student token only its own is found. Raises
        NotFound, Unprocessable."""
        if not is_identity(email):
            raise Unprocessable(["body", "student_email"], "The address is too long", "string_too_long")
        if class_id is not None and self.own_id is None:
            return get_or_enrol(email, class_id=class_id)
        student = with_email(students_of(self.viewer), email).first()
        if student is None:
            raise NotFound("Student not found")
        return student.pk


class PackagesView(ApiView):
    action = "get package information"

    @documented(
        summary="The server's packages",
        responses={200: PackagesResponse},
        parameters=[
            OpenApiParameter("package_names", str, many=True, description="Only these, compared without case."),
            OpenApiParameter("include_all", bool, description="`packages` holds all, not only the key ones."),
        ],
    )
    def get(self, request: Request) -> Response:
        include_all = query_boolean(request, "include_all", False)
        now = snapshots.current(now=timezone.now())
        _, installers = installed()
        selected = filter_by_name(now.packages, request.query_params.getlist("package_names"))
        conda = [package for package in selected if installers.get(package["name"]) == "conda"]
        return Response(
            {
                "installed_packages": selected,
                "pip_packages": [package for package in selected if package not in conda],
                "conda_packages": conda,
                "message": "Package information retrieved successfully",
                "packages": selected if include_all else key_packages(selected),
                "total_packages_count": len(now.packages),
                "snapshot_id": now.snapshot_id,
                "collected_at": now.captured_at,
            }
        )


class HealthView(ApiView):
    action = "check environment health"

    @documented(summary="Health of the server's environment", responses={200: HealthResponse})
    def get(self, request: Request) -> Response:
        """Checks disk, memory, the end of life of Python, and broken requirements."""
        now = snapshots.current(now=timezone.now())
        found = examine(now, now=now.captured_at)
        return Response(
            {
                "health_level": found.level,
                "issues": found.issues,
                "recommendations": found.recommendations,
                "message": "Environment health checked successfully",
                "health_score": found.score,
                "warnings": found.issues,
                "snapshot_id": now.snapshot_id,
                "checked_at": now.captured_at,
            }
        )
