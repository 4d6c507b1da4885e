"""End logins of the pages after SESSION_IDLE_MINUTES without activity of the person.

Requests that a page sends by itself do not count, so a live page on a projector does not stay logged in for ever: after
the timeout (two hours by default, longer than a lesson) its socket closes and it asks for a login.
"""

import time

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest

from core.middleware import Middleware
from instructors.sessions import SEEN

RECORD_INTERVAL = 60  # seconds between two writes of the session; one for each click would cost more than the click


class IdleTimeoutMiddleware(Middleware):
    """Record the time of the last activity in the session."""

    def handles_request(self, request: HttpRequest) -> bool:
        return is_user_activity(request)

    def process_request(self, request: HttpRequest) -> None:
        record_activity(request, now=time.time())


def is_user_activity(request: HttpRequest) -> bool:
    """Return whether a person caused this request, not a script, image or style sheet.

    Scripts mark their requests as `fragment`, and say whether the person touched the page since the last one
    (static/js/base/fragments.js).
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    if request.headers.get("X-Requested-With") == "fragment" and request.method != "POST":
        return request.headers.get("X-Activity") == "person"
    return request.method == "POST" or "text/html" in request.headers.get("Accept", "")


def record_activity(request: HttpRequest, *, now: float) -> None:
    """Set the time of the last activity: one query, which the view needs anyway, and a write at most once a minute."""
    session = request.session
    if SESSION_KEY in session and now - session.get(SEEN, 0) > RECORD_INTERVAL:
        session[SEEN] = int(now)
