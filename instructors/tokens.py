"""Bearer tokens of instructors: issued at login, verified on every call, revocable one by one.

HS256 with the claims `sub` (the e-mail), `exp`, `jti` (by which a token is revoked) and `pwd` (a stamp that changes
with the password and when the account is reactivated). Tokens without the last two are valid too. Source:
docs/contract/http.md section 1.2.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.core.cache import cache
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from instructors.models import Instructor, RevokedToken

REFUSAL = "Could not validate credentials"


class BadToken(Exception):
    """The token is not valid: malformed, expired, revoked, outdated, or of an unknown account."""


def stamp_of(instructor: Instructor) -> str:
    """Return the `pwd` claim: a hash that changes with the password and when the account is reactivated."""
    return instructor.get_session_auth_hash()[:16]


def _backend() -> TokenBackend:
    return TokenBackend(settings.ALGORITHM, signing_key=settings.SECRET_KEY)


def issue(instructor: Instructor, *, now: datetime) -> str:
    """Return a new token for the account, valid for ACCESS_TOKEN_EXPIRE_MINUTES."""
    claims = {
        "sub": instructor.email,
        "exp": now + timedelta(minutes=settings.ACCESS_TOKEN_EXPIRE_MINUTES),
        "iat": now,
        "jti": uuid.uuid4().hex,
        "pwd": stamp_of(instructor),
    }
    return _backend().encode(claims)


def claims_of(token: str) -> dict[str, Any]:
    """Return the verified claims of a token that is not revoked. One query. Raises BadToken."""
    try:
        claims: dict[str, Any] = _backend().decode(cast(Any, token))
    except TokenBackendError as error:
        raise BadToken from error
    if not isinstance(claims.get("sub"), str) or "exp" not in claims:
        raise BadToken
    if claims.get("jti") and RevokedToken.objects.filter(jti=claims["jti"]).exists():
        raise BadToken
    return claims


def instructor_of(token: str) -> Instructor:
    """Return the account of a token, active or not. Two queries. Raises BadToken."""
    return decode(token)[0]


def decode(token: str) -> tuple[Instructor, dict[str, Any]]:
    """Return the account of a token, active or not, and the claims. Two queries. Raises BadToken."""
    claims = claims_of(token)
    found = Instructor.objects.with_email(claims["sub"])
    if found is None or not is_current(claims.get("pwd"), claims.get("jti"), issued_at(claims), found):
        raise BadToken
    return found, claims


def issued_at(claims: dict[str, Any]) -> float:
    """Return the time of issue in seconds since the epoch; without `iat`, the earliest that `exp` allows."""
    lifetime = settings.ACCESS_TOKEN_EXPIRE_MINUTES * 60
    return float(claims["iat"] if "iat" in claims else claims["exp"] - lifetime)


def is_current(stamp: Any, jti: Any, issued: float, instructor: Instructor) -> bool:
    """Return whether a token was issued under the current password and since the account was last reactivated.

    The token that changed the password is valid too (`keep_current`). A token without a stamp is judged by its time of
    issue alone.
    """
    if stamp is None:
        return instructor.revived_at is None or issued >= instructor.revived_at.timestamp()
    current = stamp_of(instructor)
    return constant_time_compare(str(stamp), current) or bool(jti and cache.get(_kept_key(jti)) == current)


def keep_current(token: str, *, instructor: Instructor) -> None:
    """Keep the token valid that just changed the password: its client has no other."""
    if jti := claims_of(token).get("jti"):
        cache.set(_kept_key(jti), stamp_of(instructor), settings.ACCESS_TOKEN_EXPIRE_MINUTES * 60)


def _kept_key(jti: Any) -> str:
    return f"token:kept:{jti}"


def revoke(token: str, *, instructor: Instructor) -> None:
    """Revoke the token. A token without `jti` cannot be revoked."""
    claims = claims_of(token)
    if claims.get("jti"):
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        RevokedToken.objects.get_or_create(
            jti=claims["jti"], defaults={"instructor": instructor, "expires_at": expires_at}
        )


class BearerAuthentication(BaseAuthentication):
    """Authenticate by `Authorization: Bearer`. No such header: anonymous. Invalid token: 401. Inactive account: 403."""

    def authenticate(self, request: Request) -> tuple[Instructor, str] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        try:
            instructor = instructor_of(token.strip())
        except BadToken:
            raise AuthenticationFailed(REFUSAL) from None
        if not instructor.is_active:
            raise PermissionDenied("Inactive account")
        return instructor, token.strip()

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
