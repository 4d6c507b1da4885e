"""The display switches in the header of every page, and the error pages that need a view."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from classroom.base.display import MODES, display_of, save_display
from classroom.base.return_to import page_before


@require_POST
def switch_display(request: HttpRequest) -> HttpResponse:
    """Toggle the display mode `mode` and redirect to `next`."""
    mode, back = request.POST.get("mode", ""), request.POST.get("next", "")
    if mode not in MODES:
        return HttpResponseBadRequest()
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = reverse("classes")
    current = display_of(request)
    changed = replace(current, **{mode: not getattr(current, mode)})
    response = HttpResponseRedirect(back)
    save_display(response, changed, is_secure=request.is_secure())
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return status 400 in the layout of the site; Django's own view has no request context."""
    return render(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return status 403 for an invalid CSRF token, with a link to the page of the form."""
    return render(request, "403_csrf.html", {"before": page_before(request)}, status=403)
