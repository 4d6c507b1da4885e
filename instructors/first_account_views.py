"""The page that makes the first account."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import Throttled

from instructors import first_account, hashing
from instructors.authentication import log_in_browser
from instructors.first_account import LinkClosed, UnknownLink
from instructors.forms import FirstAccountForm
from instructors.link_pages import too_many, wrong_link

FAILURES = "first_account"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def first_account_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show and take the form, without a login. 410 for a link that is closed, 404 for one that is not ours, 429 after
    too many of those from one address."""
    try:
        first_account.check(token)
        form = FirstAccountForm(request.POST or None)
        if not (form.is_bound and form.is_valid()):
            return render(request, "registration/first_account.html", {"form": form})
        hashing.refuse_when_full()
        chosen = form.cleaned_data
        account = first_account.make(
            token,
            email=chosen["email"],
            name=chosen["name"],
            password=chosen["password"],
            request=request,
        )
    except Throttled as refusal:
        return too_many(request, refusal)
    except UnknownLink:
        return wrong_link(request, "404.html", status=404, kind=FAILURES)
    except LinkClosed:
        context = {"has_account": not first_account.is_missing()}
        return render(request, "registration/first_account_closed.html", context, status=410)
    log_in_browser(request, account, now=timezone.now())
    return redirect("classes")
