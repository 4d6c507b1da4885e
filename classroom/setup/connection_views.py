"""The page that connects a class's JupyterLabs: the class code and devices of its students, class keys, the URL to
enter, and whether events arrive."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.decorators import class_action, class_page
from classroom.base.display import display_of
from classroom.base.setup_pages import show, taught_classroom
from classroom.setup.client_health import clients_of
from classroom.setup.devices import confirm_device, devices_of, end_code, make_code, revoke_device
from classroom.setup.jupyterlab import ServerUrl, connection_of
from classroom.setup.keys import GRACES, MadeMeanwhile, make_key, revoke_key
from core.identity import row_number
from events.intake.class_keys import REMEMBERED
from instructors import throttles
from instructors.lockout import client_of
from instructors.permissions import account_of
from lms.class_codes import FAILURES, valid_code
from lms.client_terms import wheel_url

EVENTS = "/api/v1/events"


@class_page
def connection(request: HttpRequest, class_id: int) -> HttpResponse:
    return _page(request, class_id)


@class_page
def state(request: HttpRequest, class_id: int) -> HttpResponse:
    """Render the part of the page that its script polls."""
    classroom, found = taught_classroom(request, class_id)
    now = timezone.now()
    context = {
        "classroom": classroom,
        "now": now,
        "connection": connection_of(found, now=now),
        "devices": devices_of(found, display=display_of(request)),
    }
    return render(request, "setup/_connection_state.html", context)


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


@class_action
def make_class_code(request: HttpRequest, class_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    make_code(found, by=account_of(request), request=request, now=timezone.now())
    # Students who join in the same room often share the teacher's address.
    throttles.remember_client(FAILURES, client_of(request), target=found.pk)
    return redirect(reverse("class_connection", args=[class_id]) + "#join")


@class_action
def end_class_code(request: HttpRequest, class_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    end_code(found, by=account_of(request), request=request, now=timezone.now())
    messages.success(request, gettext("The class code has ended. Devices that joined with it go on."))
    return redirect("class_connection", class_id)


@class_action
def confirm(request: HttpRequest, class_id: int, token_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    row = confirm_device(found, token_id=token_id, by=account_of(request), request=request, now=timezone.now())
    if row.revoked_at is not None:
        messages.warning(request, gettext("This device was revoked. Let the student join again on it."))
    else:
        messages.success(request, gettext("The device is confirmed."))
    return redirect(reverse("class_connection", args=[class_id]) + "#devices-heading")


@class_action
def cut_off(request: HttpRequest, class_id: int, token_id: int) -> HttpResponse:
    _, found = taught_classroom(request, class_id)
    revoke_device(found, token_id=token_id, by=account_of(request), request=request, now=timezone.now())
    words = gettext("The device is revoked. Within %(seconds)d seconds what it sends is refused.")
    messages.success(request, words % {"seconds": REMEMBERED})
    return redirect(reverse("class_connection", args=[class_id]) + "#devices-heading")


def _page(request: HttpRequest, class_id: int, *, key: str = "") -> HttpResponse:
    classroom, found = taught_classroom(request, class_id)
    url, now = request.build_absolute_uri(EVENTS), timezone.now()
    return show(
        request,
        classroom,
        "connection",
        key=key,
        address=ServerUrl(f"{url}?key={key}" if key else url),
        connection=connection_of(found, now=now),
        clients=clients_of(classroom, now=now, display=display_of(request)),
        remembered=int(REMEMBERED),
        code=valid_code(found, now=now),
        code_minutes=settings.CLASS_CODE_MINUTES,
        wheel_url=wheel_url(request),
        server_url=request.build_absolute_uri("/").rstrip("/"),
        devices=devices_of(found, display=display_of(request)),
    )
