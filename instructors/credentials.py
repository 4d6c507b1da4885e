"""Credentials of sockets (sessions and tokens), and which of them are still valid: checked every few seconds."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import TokenError

from instructors import tokens
from instructors.models import Instructor, RevokedToken
from instructors.sessions import SessionStore, is_over


@dataclass(frozen=True, slots=True)
class Credential:
    """The login of a browser (its session) or the token of a program."""

    account_id: int
    session_key: str = ""
    token_id: str = ""  # the claim `jti`; empty for a token that cannot be revoked by itself
    stamp: str = ""  # the claim `pwd`; empty for a token without it
    issued_at: float = 0.0  # of the token, in seconds since the epoch
    is_admin: bool = False  # when the socket was opened, which decided its groups


@dataclass(frozen=True, slots=True)
class Account:
    """An active instructor, as read from a token. It satisfies `lms.access.User`."""

    pk: int
    name: str
    is_admin: bool
    is_assistant: bool = False
    expires_at: float | None = None  # seconds since the epoch; None for a login by cookie
    credential: Credential | None = None


def account_of_token(token: str) -> Account | None:
    """Return the active instructor of a Bearer token; None if it is not valid. Two queries."""
    try:
        bearer = tokens.BearerToken(token)  # type: ignore[arg-type]  # simplejwt takes texts too
        found = bearer.instructor()
    except TokenError:
        return None
    if not found.is_active:
        return None
    credential = Credential(
        found.pk,
        token_id=bearer.jti,
        stamp=str(bearer.get("pwd") or ""),
        issued_at=bearer.issued_at,
        is_admin=found.is_admin,
    )
    return Account(found.pk, found.name, found.is_admin, found.is_assistant, float(bearer["exp"]), credential)


def invalid_credentials(credentials: Collection[Credential], *, now: datetime) -> set[Credential]:
    """Return those that are valid no more: logged out, revoked, idle too long, another password, account switched off,
    admin no more or only now. Three queries at most, however many are asked about. When a token expires, the socket
    knows by itself.
    """
    accounts = Instructor.objects.filter(is_active=True).in_bulk({each.account_id for each in credentials})
    keys = {each.session_key for each in credentials if each.session_key}
    logins = _logins(keys, now) if keys else {}
    names = {each.token_id for each in credentials if each.token_id}
    revoked = set(RevokedToken.objects.filter(jti__in=names).values_list("jti", flat=True)) if names else set()

    def is_valid(credential: Credential) -> bool:
        account = accounts.get(credential.account_id)
        if account is None or account.is_admin != credential.is_admin:
            return False
        if credential.session_key:
            return is_login_of(account, logins.get(credential.session_key, {}))
        return credential.token_id not in revoked and tokens.is_current(
            credential.stamp or None, credential.token_id, credential.issued_at, account
        )

    return {credential for credential in credentials if not is_valid(credential)}


def _logins(keys: set[str], now: datetime) -> dict[str, dict[str, Any]]:
    """Return the data of these sessions that have not expired, by key. One query."""
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=now)
    found = {row.session_key: SessionStore().decode(row.session_data) for row in rows}
    return {key: data for key, data in found.items() if not is_over(data, now=now.timestamp())}


def is_login_of(account: Instructor, data: dict[str, Any]) -> bool:
    """Return whether the session is a login of this account, under its current password."""
    known = str(data.get(HASH_SESSION_KEY, ""))
    hashes = [account.get_session_auth_hash(), *account.get_session_auth_fallback_hash()]
    is_theirs = str(data.get(SESSION_KEY)) == str(account.pk)
    return is_theirs and any(constant_time_compare(known, each) for each in hashes)
