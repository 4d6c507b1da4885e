"""The page that connects a class's JupyterLabs: class keys, the URL to enter, and whether events arrive."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.decorators import class_action, class_page
from classroom.setup.base_views import show, taught_classroom
from classroom.setup.jupyterlab import Address, connection_of
from classroom.setup.keys import GRACES, MadeMeanwhile, make_key, revoke_key
from core.identity import row_number
from events.intake.class_keys import REMEMBERED
from instructors.permissions import account_of

EVENTS = "/api/v1/events"


@class_page
def connection(request: HttpRequest, class_id: int) -> HttpResponse:
    return _page(request, class_id)


@class_page
def state(request: HttpRequest, class_id: int) -> HttpResponse:
    """Render the part of the page that its script polls."""
    classroom, found = taught_classroom(request, class_id)
    now = timezone.now()
    context = {"classroom": classroom, "now": now, "connection": connection_of(found, now=now)}
    return render(request, "setup/_connection.html", context)


@class_action
def make(request: HttpRequest, class_id: int) -> HttpResponse:
    """Create a class key. Only this response shows its text."""
    _, found = taught_classroom(request, class_id)
    seen, grace = request.POST.get("seen", ""), request.POST.get("grace", "keep")
    try:
        _, key = make_key(
            found,
            seen=row_number(seen),
            grace=GRACES.get(grace),
            by=account_of(request),
            request=request,
            now=timezone.now(),
        )
    except MadeMeanwhile:
        words = gettext("A key was made in the meantime, so no other was. If nobody has copied it, make one now.")
        messages.warning(request, words)
        return redirect("class_connection", class_id)
    return _page(request, class_id, key=key)


@class_action
def revoke(request: HttpRequest, class_id: int, key_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    revoked = revoke_key(found, key_id=key_id, by=account_of(request), request=request, now=timezone.now())
    words = gettext("Key %(hint)s… is revoked. Within %(seconds)d seconds JupyterLabs that have it are refused.")
    messages.success(request, words % {"hint": revoked.hint, "seconds": REMEMBERED})
    return redirect("class_connection", class_id)


def _page(request: HttpRequest, class_id: int, *, key: str = "") -> HttpResponse:
    classroom, found = taught_classroom(request, class_id)
    url = request.build_absolute_uri(EVENTS)
    return show(
        request,
        classroom,
        "connection",
        key=key,
        address=Address(f"{url}?key={key}" if key else url),
        connection=connection_of(found, now=timezone.now()),
        remembered=int(REMEMBERED),
    )
