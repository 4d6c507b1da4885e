"""What pages that are opened by a secret link answer to a wrong one, and to somebody who has tried too many."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import Throttled

from instructors import throttles
from instructors.lockout import client_of


def wrong_link(request: HttpRequest, template: str, *, status: int, kind: str) -> HttpResponse:
    """Count a failure of this kind and return the page; 429 after LOGIN_FAILURES from this client address. One or two
    round trips to Redis."""
    client = client_of(request)
    try:
        throttles.refuse_after_failures(kind, client, limit=settings.LOGIN_FAILURES)
    except Throttled as refusal:
        return too_many(request, refusal)
    throttles.count_failure(kind, client)
    return render(request, template, status=status)


def too_many(request: HttpRequest, refusal: Throttled) -> HttpResponse:
    """Return the page that says when to try again."""
    answer = render(request, "429.html", status=429)
    answer["Retry-After"] = str(int(getattr(refusal, "wait", None) or throttles.FAILURE_WINDOW))
    return answer
