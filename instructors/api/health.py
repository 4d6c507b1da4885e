"""Health, for container checks and proxies: docs/contract/http.md section 14. Never counted against a limit."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from instructors.queries.health import is_ready, report
from realtime.messages import timestamp


@csrf_exempt
@require_safe
@never_cache
async def health(request: HttpRequest) -> JsonResponse:
    found = await report()
    if found["status"] == "healthy":
        return JsonResponse(found)
    return JsonResponse({"detail": found}, status=503)


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
    return JsonResponse({"detail": detail}, status=503)


@csrf_exempt
@require_safe
@never_cache
async def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive", "timestamp": timestamp(), "message": "The process runs"})
