"""Records user activity in the session. A page that refreshes itself is no activity; a click is.

A live page on a projector therefore stays logged in for SESSION_IDLE_MINUTES after the last input (two hours by
default, longer than a lesson). Then its socket closes and the page asks for a login.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from instructors.sessions import SEEN

WRITE_INTERVAL = 60  # seconds between two writes to the session: one for each click would cost more than the click


class IdleTimeoutMiddleware:
    """Record activity of the user before the view runs."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._async_call(request)
        if is_user_activity(request):
            record_activity(request, now=time.time())
        response: HttpResponse = self.get_response(request)
        return response

    async def _async_call(self, request: HttpRequest) -> HttpResponse:
        if is_user_activity(request):
            await sync_to_async(record_activity)(request, now=time.time())
        response: HttpResponse = await self.get_response(request)
        return response


def is_user_activity(request: HttpRequest) -> bool:
    """Return whether the user caused the request, rather than a script or a subresource.

    Scripts send `X-Requested-With: fragment`, and `X-Activity: person` if there was input since their last request
    (static/js/base/class_page.js).
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    if request.headers.get("X-Requested-With") == "fragment" and request.method != "POST":
        return request.headers.get("X-Activity") == "person"
    return request.method == "POST" or "text/html" in request.headers.get("Accept", "")


def record_activity(request: HttpRequest, *, now: float) -> None:
    """Store the time in the session, once a minute at most. One query, which the page needs anyway, and one to save."""
    session = request.session
    if SESSION_KEY in session and now - session.get(SEEN, 0) > WRITE_INTERVAL:
        session[SEEN] = int(now)
