"""Whether somebody has to log in: the setting API_REQUIRE_AUTH, or, where it says nothing, whether there is an account.

A copy of one's own is open until its first account is made, and closed a second later, in every process
(docs/contract/http.md section 1.2).
"""

import asyncio
import time

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, close_old_connections, connection

REMEMBERED = 1.0  # seconds for which "no account" is believed; that there is one is believed for good


class _Cache:
    has_account = True  # until somebody could look: shut rather than open
    looked_at = float("-inf")  # by time.monotonic()


def logins_required() -> bool:
    """Return whether pages of data, the API and the open sockets want a login.

    At most one query a second, none once there is an account. In an event loop, where no query may run, the answer is
    the last that `look` brought.
    """
    if settings.API_REQUIRE_AUTH is not None:
        return bool(settings.API_REQUIRE_AUTH)
    if _is_stale() and not _in_a_loop():
        _look()
    return _Cache.has_account


async def refresh() -> bool:
    """The same for an event loop, which it does not hold up."""
    if settings.API_REQUIRE_AUTH is None and _is_stale():
        await sync_to_async(_look_and_let_go)()
    return logins_required()


def reset() -> None:
    """Look again at the next question; for tests, whose accounts vanish."""
    _Cache.has_account, _Cache.looked_at = True, float("-inf")


def _is_stale() -> bool:
    is_sure = _Cache.has_account and _Cache.looked_at > float("-inf")
    return not is_sure and time.monotonic() - _Cache.looked_at > REMEMBERED


def _look() -> None:
    try:
        _Cache.has_account = get_user_model()._default_manager.exists()
    except DatabaseError:
        return  # what was known stays
    _Cache.looked_at = time.monotonic()


def _look_and_let_go() -> None:
    try:
        _look()
    finally:
        if not connection.in_atomic_block:
            close_old_connections()  # no request of Django's ends here and does it


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
