"""The way back to the page that a form was on."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext


def page_before(request: HttpRequest) -> str:
    """The path and query of our own page that led here; "" where the browser does not say, or it was another site's."""
    try:
        before = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    if before.netloc != request.get_host() or before.scheme not in ("http", "https"):
        return ""
    path = f"/{before.path.lstrip('/')}"  # never "//elsewhere"
    return f"{path}?{before.query}" if before.query else path


def log_in_and_return(request: HttpRequest) -> HttpResponseRedirect:
    """For a form that arrives after its session has ended: to the login, and from there to the page of the form; the
    form's own address is nothing to look at."""
    if request.headers.get("X-Requested-With") != "fragment":
        messages.warning(request, gettext("You were logged out, so that was not done. Log in, then do it again."))
    return redirect_to_login(page_before(request) or reverse("classes"))
