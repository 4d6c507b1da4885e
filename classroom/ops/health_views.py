"""Health, for container checks and proxies: docs/contract/http.md section 14. Never counted against a limit."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from classroom.ops.health import is_ready, report
from realtime.messages import timestamp


@csrf_exempt
@require_safe
@never_cache
async def health(request: HttpRequest) -> JsonResponse:
    """503 only where lessons do not work: a check that wants 200 must not restart what goes on without InfluxDB."""
    found = await report()
    return JsonResponse(found) if found["status"] != "unhealthy" else _unwell(found)


@csrf_exempt
@require_safe
@never_cache
async def simple(request: HttpRequest) -> JsonResponse:
    """That we answer is the answer; nothing else is touched."""
    return JsonResponse({"status": "ok", "timestamp": timestamp()})


@csrf_exempt
@require_safe
@never_cache
async def ready(request: HttpRequest) -> JsonResponse:
    if await is_ready():
        return JsonResponse({"status": "ready", "timestamp": timestamp(), "message": "Ready to serve"})
    detail = {"status": "not_ready", "timestamp": timestamp(), "error": "The database does not answer"}
    return _unwell(detail)


def _unwell(detail: dict[str, Any]) -> JsonResponse:
    """503, without the line that Django logs about each: `queries.health` says it once, when it begins."""
    answer = JsonResponse({"detail": detail}, status=503)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # django.utils.log.log_response
    return answer


@csrf_exempt
@require_safe
@never_cache
async def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive", "timestamp": timestamp(), "message": "The process runs"})
