"""How long a browser stays logged in: SESSION_COOKIE_AGE from the login on, SESSION_IDLE_MINUTES without its person.

This is the product's session engine, so that pages, the administration and sockets all ask the same. The session holds
`since`, the login, and `seen`, the last sign of the person (`instructors.idle_timeout`), both in seconds since the epoch.
"""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as Stored

SINCE, SEEN = "since", "seen"


def is_over(data: dict[str, Any], *, now: float) -> bool:
    """Whether this login has had its time. What holds no login has none to lose."""
    if SESSION_KEY not in data or SINCE not in data:
        return False
    age, idle = now - data[SINCE], now - data.get(SEEN, 0)
    return bool(age > settings.SESSION_COOKIE_AGE or idle > settings.SESSION_IDLE_MINUTES * 60)


class SessionStore(Stored):
    """Sessions in the database, of which those that are over are not there."""

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
        """Asked before every save, in either world: a login begins with its first."""
        if SESSION_KEY in data and SINCE not in data:
            data[SINCE] = data[SEEN] = int(time.time())
        return super().create_model_instance(data)
