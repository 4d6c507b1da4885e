"""The operations API: docs/contract/http.md section 15. Only admins write settings and read the audit log."""

from typing import Any, NoReturn

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.system import health, serializers, system_stats
from classroom.system.audit_log import audit_entries
from classroom.system.system_settings import Duplicate, change_setting, create_setting
from instructors.api.callers import account_of
from instructors.rest.exceptions import BadRequest
from instructors.rest.openapi import PAGING, documented, text_filter
from instructors.rest.parameters import query_text, validated
from instructors.rest.permissions import AdminRequired, LoginRequired
from lms import system_settings
from lms.api.base import ApiView
from lms.models import SystemSetting
from lms.system_settings import BadSetting

KNOWN_RANGES = ", ".join(f"`{name}`" for name in system_stats.RANGES)
TIME_RANGE = OpenApiParameter("time_range", str, description=f"One of {KNOWN_RANGES}. Anything else means `1h`.")
FILTERS = [
    text_filter("action", "Only entries of this action."),
    text_filter("actor", "Only entries of this account: its e-mail, or its id."),
]


class MetricsView(ApiView):
    permission_classes = (LoginRequired,)
    action = "get the metrics"

    @documented(summary="Numbers of the whole system", responses={200: serializers.SystemMetrics})
    def get(self, request: Request) -> Response:
        return Response(system_stats.metrics(now=timezone.now()))


class PerformanceView(ApiView):
    permission_classes = (LoginRequired,)
    action = "get the performance"

    @documented(summary="How fast it is", responses={200: serializers.Performance}, parameters=[TIME_RANGE])
    def get(self, request: Request) -> Response:
        """Values are null if nothing was measured in that time."""
        return Response(system_stats.performance(time_range=request.query_params.get("time_range"), now=timezone.now()))


class SystemStatusView(ApiView):
    permission_classes = (LoginRequired,)
    action = "get the system's status"

    @documented(summary="The state of every service", responses={200: serializers.SystemStatus})
    def get(self, request: Request) -> Response:
        """Always responds with 200; `/health` responds with 503 if a required service is unhealthy."""
        found = async_to_sync(health.report)()
        return Response(
            {
                "status": found["status"],
                "services": found["services"],
                "version": settings.PROJECT_VERSION,
                "uptime_seconds": system_stats.uptime_seconds(now=timezone.now()),
                "timestamp": found["timestamp"],
            }
        )


class WorkerStatusView(ApiView):
    permission_classes = (LoginRequired,)
    action = "get the workers' status"

    @documented(summary="The workers, and what waits for them", responses={200: serializers.WorkerStatus})
    def get(self, request: Request) -> Response:
        return Response(system_stats.worker_status(now=timezone.now()))


class ErrorDetectionView(ApiView):
    permission_classes = (LoginRequired,)
    action = "get the state of error detection"

    @documented(summary="When errors in a row are flagged", responses={200: serializers.ErrorDetection})
    def get(self, request: Request) -> Response:
        values = system_settings.current()
        found = {key: values[key] for key in system_settings.DEFAULTS}
        return Response({**found, "status": "active" if found["error_detection_enabled"] else "disabled"})


class SettingsView(ApiView):
    permission_classes = (LoginRequired,)
    action = "manage settings"

    @extend_schema(operation_id="admin_settings_list")
    @documented(summary="All settings", responses={200: serializers.SettingList})
    def get(self, request: Request) -> Response:
        return Response({"settings": serializers.SettingShape(SystemSetting.objects.order_by("pk"), many=True).data})

    @documented(
        summary="Create a setting",
        request=serializers.NewSetting,
        responses={200: serializers.SettingAnswer},
        errors=(400,),
        example={"setting_key": "banner", "setting_value": "Exam today", "setting_type": "str"},
    )
    def post(self, request: Request) -> Response:
        """Admins only. 400 if the setting exists or the value is not of its type."""
        refuse_unless_admin(request)
        sent = validated(serializers.NewSetting(data=request.data))
        key = sent["setting_key"]
        try:
            created = create_setting(
                key=key,
                value=sent["setting_value"],
                kind=sent["setting_type"],
                description=sent.get("description"),
                by=account_of(request),
                request=request,
            )
        except Duplicate:
            raise BadRequest(f"Setting '{key}' already exists") from None
        except BadSetting as error:
            refuse(error)
        return Response({"message": f"Setting '{key}' created", "setting": serializers.SettingShape(created).data})


class SettingView(ApiView):
    permission_classes = (LoginRequired,)
    action = "manage settings"

    @documented(summary="One setting", responses={200: serializers.TypedSetting}, errors=(404,))
    def get(self, request: Request, setting_key: str) -> Response:
        """The effective value: the built-in default, if there is one, while the setting is inactive."""
        row = find_setting(setting_key)
        value = system_settings.current().get(row.setting_key)
        if value is None:
            value = readable(row)
        return Response({"setting_key": row.setting_key, "value": value, "type": row.setting_type})

    @documented(
        summary="Change a setting",
        request=serializers.NewValue,
        responses={200: serializers.SettingAnswer},
        errors=(400, 404),
        example={"new_value": 5},
    )
    def put(self, request: Request, setting_key: str) -> Response:
        """Admins only. Takes effect at once in all processes."""
        refuse_unless_admin(request)
        row = find_setting(setting_key)
        sent = validated(serializers.NewValue(data=request.data))
        try:
            changed = change_setting(row, sent["new_value"], by=account_of(request), request=request)
        except BadSetting as error:
            refuse(error)
        return Response(
            {"message": f"Setting '{row.setting_key}' updated", "setting": serializers.SettingShape(changed).data}
        )


class AuditLogView(ApiView):
    permission_classes = (AdminRequired,)
    action = "read the audit log"

    @documented(
        summary="Who did what", responses={200: serializers.AuditEntry(many=True)}, parameters=[*PAGING, *FILTERS]
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        entries = audit_entries(action=query_text(request, "action"), actor=query_text(request, "actor"))
        return Response(serializers.AuditEntry(self.paginate_queryset(entries), many=True).data)


def refuse_unless_admin(request: Request) -> None:
    if not account_of(request).is_admin:
        raise PermissionDenied("Not enough permissions")


def find_setting(key: str) -> SystemSetting:
    found = None if "\0" in key else SystemSetting.objects.filter(setting_key=key).first()
    if found is None:
        raise NotFound(f"Setting '{key}' not found")
    return found


def readable(row: SystemSetting) -> Any:
    """Return the row's value, or None if it is not of its type."""
    try:
        return system_settings.typed(row.setting_value, row.setting_type)
    except ValueError:
        return None


def refuse(error: Exception) -> NoReturn:
    problem: APIException = BadRequest(str(error))
    raise problem from None
