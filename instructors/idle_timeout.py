"""Whether somebody still sits there. A page that draws itself again is no sign of a person; a click is.

So a live page on a projector keeps nobody logged in for ever: it goes on for SESSION_IDLE_MINUTES after the last touch
(two hours as delivered, longer than a lesson), then its socket closes and it asks for a login.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from instructors.sessions import SEEN

EVERY = 60  # seconds between two notes: a write for each click would cost more than the click


class IdleTimeoutMiddleware:
    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._answer_later(request)
        if is_of_person(request):
            record_activity(request, now=time.time())
        response: HttpResponse = self.get_response(request)
        return response

    async def _answer_later(self, request: HttpRequest) -> HttpResponse:
        if is_of_person(request):
            await sync_to_async(record_activity)(request, now=time.time())
        response: HttpResponse = await self.get_response(request)
        return response


def is_of_person(request: HttpRequest) -> bool:
    """Not what a script asks for by itself: it says so (`fragment`), and when somebody touched the page since it last
    asked (static/js/base/class_page.js). Not pictures and styles either."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    if request.headers.get("X-Requested-With") == "fragment" and request.method != "POST":
        return request.headers.get("X-Activity") == "person"
    return request.method == "POST" or "text/html" in request.headers.get("Accept", "")


def record_activity(request: HttpRequest, *, now: float) -> None:
    """One query, which the page needs anyway; a second one, once a minute, when it is answered."""
    session = request.session
    if SESSION_KEY in session and now - session.get(SEEN, 0) > EVERY:
        session[SEEN] = int(now)
