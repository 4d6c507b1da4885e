"""Redirects back to the page of a form."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext


def page_before(request: HttpRequest) -> str:
    """Return path and query of the referring page of this site; "" if there is none, or it is another site's."""
    try:
        before = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    if before.netloc != request.get_host() or before.scheme not in ("http", "https"):
        return ""
    path = f"/{before.path.lstrip('/')}"  # never "//elsewhere"
    return f"{path}?{before.query}" if before.query else path


def log_in_and_return(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect a form whose session has ended to the login, and from there to the page of the form.

    The form's own URL accepts only POST.
    """
    if request.headers.get("X-Requested-With") != "fragment":
        messages.warning(request, gettext("You were logged out, so that was not done. Log in, then do it again."))
    return redirect_to_login(page_before(request) or reverse("classes"))
