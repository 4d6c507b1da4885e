"""The start page: the classes of the user."""

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
    """Return the API's welcome message to clients that accept JSON, and the list of classes to browsers."""
    accepted = (kind.partition(";")[0].strip() for kind in request.headers.get("Accept", "").lower().split(","))
    if "application/json" in accepted:
        response: HttpResponseBase = JsonResponse({"message": f"Welcome to {settings.PROJECT_NAME}"})
    else:
        response = classes(request)
    patch_vary_headers(response, ["Accept"])
    return response


@login_required
@never_cache
def classes(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    return render(
        request,
        "classes/classes.html",
        {"overview": overview(user=account_of(request), now=now), "texts": freshness_texts()},
    )
