"""The health API, for container checks and proxies: docs/contract/http.md section 14. Not rate limited."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from classroom.system.health import is_ready, report
from realtime.messages import timestamp


@csrf_exempt
@require_safe
@never_cache
async def health(request: HttpRequest) -> JsonResponse:
    """Return the health of all services; 503 only if a required one is unhealthy, so not without InfluxDB."""
    found = await report()
    return JsonResponse(found) if found["status"] != "unhealthy" else _unavailable(found)


@csrf_exempt
@require_safe
@never_cache
async def simple(request: HttpRequest) -> JsonResponse:
    """Return 200 without checking any service."""
    return JsonResponse({"status": "ok", "timestamp": timestamp()})


@csrf_exempt
@require_safe
@never_cache
async def ready(request: HttpRequest) -> JsonResponse:
    if await is_ready():
        return JsonResponse({"status": "ready", "timestamp": timestamp(), "message": "Ready to serve"})
    detail = {"status": "not_ready", "timestamp": timestamp(), "error": "The database does not answer"}
    return _unavailable(detail)


def _unavailable(detail: dict[str, Any]) -> JsonResponse:
    """Return a 503 that Django does not log: `classroom.system.health` logs the change once."""
    response = JsonResponse({"detail": detail}, status=503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # django.utils.log.log_response
    return response


@csrf_exempt
@require_safe
@never_cache
async def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive", "timestamp": timestamp(), "message": "The process runs"})
