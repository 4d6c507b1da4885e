"""Whether a login is required: the setting API_REQUIRE_AUTH or, if it is None, whether an account exists.

An installation is open until its first account is created, and requires logins at most a second later, in every process
(docs/contract/http.md section 1.2).
"""

import asyncio
import time

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, close_old_connections, connection

RECHECK_INTERVAL = 1.0  # seconds for which "no account" is cached; "has account" is cached for ever


class _Cache:
    has_account = True  # until the first check, require logins
    checked_at = float("-inf")  # by time.monotonic()


def logins_required() -> bool:
    """Return whether pages, the API and public sockets require a login.

    At most one query a second, none once an account exists. In an event loop, where no query may run, return the last
    known value; see `refresh`.
    """
    if settings.API_REQUIRE_AUTH is not None:
        return bool(settings.API_REQUIRE_AUTH)
    if _is_stale() and not _has_event_loop():
        _check()
    return _Cache.has_account


async def refresh() -> bool:
    """Return the same in an event loop, without blocking it."""
    if settings.API_REQUIRE_AUTH is None and _is_stale():
        await sync_to_async(_check_and_close_connection)()
    return logins_required()


def reset() -> None:
    """Clear the cache. For tests, whose accounts are rolled back."""
    _Cache.has_account, _Cache.checked_at = True, float("-inf")


def _is_stale() -> bool:
    is_sure = _Cache.has_account and _Cache.checked_at > float("-inf")
    return not is_sure and time.monotonic() - _Cache.checked_at > RECHECK_INTERVAL


def _check() -> None:
    try:
        _Cache.has_account = get_user_model()._default_manager.exists()
    except DatabaseError:
        return  # the cached value stays
    _Cache.checked_at = time.monotonic()


def _check_and_close_connection() -> None:
    try:
        _check()
    finally:
        if not connection.in_atomic_block:
            close_old_connections()  # there is no Django request whose end would do it


def _has_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
