"""The first page: my classes."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from classroom.base.js_strings import freshness_texts
from classroom.classes.selectors import overview
from instructors.permissions import account_of


@require_safe
def root(request: HttpRequest) -> HttpResponseBase:
    """The welcome of the API to a program that asks for JSON; my classes to people."""
    accepted = (kind.partition(";")[0].strip() for kind in request.headers.get("Accept", "").lower().split(","))
    if "application/json" in accepted:
        answer: HttpResponseBase = JsonResponse({"message": f"Welcome to {settings.PROJECT_NAME}"})
    else:
        answer = classes(request)
    patch_vary_headers(answer, ["Accept"])
    return answer


@login_required
@never_cache
def classes(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    return render(
        request,
        "classes/classes.html",
        {"overview": overview(user=account_of(request), now=now), "texts": freshness_texts()},
    )
