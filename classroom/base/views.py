"""The two switches in every page's header: projector and walking."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from classroom.base.display import MODES, display_of, remember
from classroom.base.return_to import page_before


@require_POST
def switch_display(request: HttpRequest) -> HttpResponse:
    """Turns `mode` over and goes back to where the button was (`next`)."""
    mode, back = request.POST.get("mode", ""), request.POST.get("next", "")
    if mode not in MODES:
        return HttpResponseBadRequest()
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = reverse("classes")
    now = display_of(request)
    changed = replace(now, **{mode: not getattr(now, mode)})
    answer = HttpResponseRedirect(back)
    remember(answer, changed, is_secure=request.is_secure())
    return answer


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, as the rest of the site looks; Django's own would not know who is logged in."""
    return render(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is not the browser's, with the way back to where the form was."""
    return render(request, "403_csrf.html", {"before": page_before(request)}, status=403)
