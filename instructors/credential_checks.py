"""What let instructors in, and whether it still would: asked every few seconds for all open sockets at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from instructors.models import Instructor, RevokedToken
from instructors.sessions import SessionStore, is_over
from instructors.tokens import is_current
from realtime.credentials import Entry


def ended(entries: Collection[Entry], *, now: datetime) -> set[Entry]:
    """Those that open nothing any more. Three queries at most; when a token expires, the socket knows by itself."""
    accounts = Instructor.objects.filter(is_active=True).in_bulk({entry.account_id for entry in entries})
    keys = {entry.session_key for entry in entries if entry.session_key}
    logins = _logins(keys, now) if keys else {}
    names = {entry.token_id for entry in entries if entry.token_id}
    revoked = set(RevokedToken.objects.filter(jti__in=names).values_list("jti", flat=True)) if names else set()

    def is_open(entry: Entry) -> bool:
        account = accounts.get(entry.account_id)
        if account is None or account.is_admin != entry.is_admin:
            return False
        if entry.session_key:
            return _is_of(logins.get(entry.session_key, {}), account)
        is_ours = is_current(entry.stamp or None, entry.token_id, entry.issued_at, account)
        return entry.token_id not in revoked and is_ours

    return {entry for entry in entries if not is_open(entry)}


def _logins(keys: set[str], now: datetime) -> dict[str, dict[str, Any]]:
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=now)
    found = {row.session_key: SessionStore().decode(row.session_data) for row in rows}
    return {key: data for key, data in found.items() if not is_over(data, now=now.timestamp())}


def _is_of(data: dict[str, Any], account: Instructor) -> bool:
    """Whether the session is a login of this account, under its present password."""
    known = str(data.get(HASH_SESSION_KEY, ""))
    hashes = [account.get_session_auth_hash(), *account.get_session_auth_fallback_hash()]
    is_theirs = str(data.get(SESSION_KEY)) == str(account.pk)
    return is_theirs and any(constant_time_compare(known, each) for each in hashes)
