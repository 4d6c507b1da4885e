"""The logins of an account: its sessions in browsers, from where and since when, and how they end.

A session is named by a hash of its key: the key itself is what lets a browser in.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from instructors import audit
from instructors.credentials import is_login_of
from instructors.models import Instructor
from instructors.sessions import CLIENT, SEEN, SINCE, SessionStore, is_over


@dataclass(frozen=True, kw_only=True)
class Login:
    name: str
    since: datetime
    seen: datetime
    address: str
    program: str  # as the browser names itself; empty for a login of an older version
    is_this: bool


def logins_of(account: Instructor, *, this_key: str | None, now: datetime) -> list[Login]:
    """Return the logins, this one first, then the last used. One query, which reads all sessions: they end within
    twelve hours, so there are some hundred at most."""
    found = []
    for key, data in _sessions_of(account, now):
        address, program = data.get(CLIENT) or ("", "")
        since = datetime.fromtimestamp(data.get(SINCE, 0), UTC)
        seen = datetime.fromtimestamp(data.get(SEEN, 0), UTC)
        found.append(
            Login(name=_name(key), since=since, seen=seen, address=address, program=program, is_this=key == this_key)
        )
    return sorted(found, key=lambda login: (login.is_this, login.seen), reverse=True)


def end(account: Instructor, name: str, *, request: HttpRequest, now: datetime) -> bool:
    """End the login of that name. Return whether there was one of this account. Its sockets end within seconds."""
    keys = [key for key, _ in _sessions_of(account, now) if _name(key) == name]
    with transaction.atomic():
        ended, _ = Session.objects.filter(session_key__in=keys).delete()
        if ended:
            audit.record("login_end", actor=account, request=request)
    return bool(ended)


def end_others(account: Instructor, *, request: HttpRequest, now: datetime) -> None:
    """End every other login and every token of the account. This session stays, under a new key."""
    with transaction.atomic():
        account.revived_at = account.updated_at = now
        account.save(update_fields=["revived_at", "updated_at"])
        account.refresh_from_db(fields=["revived_at"])
        audit.record("logins_end", actor=account, request=request)
    update_session_auth_hash(request, account)


def _sessions_of(account: Instructor, now: datetime) -> list[tuple[str, dict]]:  # type: ignore[type-arg]
    rows = Session.objects.filter(expire_date__gt=now).values_list("session_key", "session_data")
    decode = SessionStore().decode
    data = ((key, decode(text)) for key, text in rows.iterator())
    return [(key, each) for key, each in data if is_login_of(account, each) and not is_over(each, now=now.timestamp())]


def _name(key: str) -> str:
    return hashlib.sha256(f"login {key}".encode()).hexdigest()[:16]
