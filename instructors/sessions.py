"""The session engine. A login ends SESSION_COOKIE_AGE after it began, or after SESSION_IDLE_MINUTES without activity.

Pages, the admin site and sockets all use it. The session stores `since`, the time of the login, and `seen`, the last
activity of the user (`instructors.idle_timeout`), both in seconds since the epoch, and from where the login came.
"""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as Stored
from django.http import HttpRequest

from instructors.client_ip import address_of

SINCE, SEEN = "since", "seen"
CLIENT = "client"  # address and program of whoever logged in, for the list of logins
MAX_PROGRAM = 200  # characters


def note_client(request: HttpRequest) -> None:
    """Keep from where a login came. Call it after the login."""
    program = "".join(character for character in request.headers.get("User-Agent", "") if character.isprintable())
    request.session[CLIENT] = [address_of(request), program[:MAX_PROGRAM]]


def is_over(data: dict[str, Any], *, now: float) -> bool:
    """Return whether the login in this session has expired. A session without a login never has."""
    if SESSION_KEY not in data or SINCE not in data:
        return False
    age, idle = now - data[SINCE], now - data.get(SEEN, 0)
    return bool(age > settings.SESSION_COOKIE_AGE or idle > settings.SESSION_IDLE_MINUTES * 60)


class SessionStore(Stored):
    """Sessions in the database. Loading an expired one deletes it."""

    @classmethod
    def get_model_class(cls) -> Any:
        return Stored.get_model_class()

    def load(self) -> dict[str, Any]:
        data: dict[str, Any] = super().load()
        if is_over(data, now=time.time()):
            self.delete(self.session_key)
            self._session_key = None
            return {}
        return data

    async def aload(self) -> dict[str, Any]:
        data: dict[str, Any] = await super().aload()
        if is_over(data, now=time.time()):
            await self.adelete(self.session_key)
            self._session_key = None
            return {}
        return data

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """Set the time of the login at its first save. Django calls this before every save, sync and async."""
        if SESSION_KEY in data and SINCE not in data:
            data[SINCE] = data[SEEN] = int(time.time())
        return super().create_model_instance(data)
