"""The two switches in every page's header: projector and walking."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from classroom.base.display import MODES, display_of, remember


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
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
