"""Bearer tokens of instructors: made at login, checked on every call, revocable one by one.

HS256, claims `sub` (the e-mail), `exp`, `jti`, by which a token is revoked, and `pwd`, which ends with the password
that the token was made under, and when the account is switched off and on again. Tokens without the last two verify
too. Source: docs/contract/http.md section 1.2.
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
    """The token opens nothing: bad, expired, revoked, or of nobody we know."""


def stamp_of(instructor: Instructor) -> str:
    """Changes with the password and when the account is switched on again, and tells nothing of either."""
    return instructor.get_session_auth_hash()[:16]


def _backend() -> TokenBackend:
    return TokenBackend(settings.ALGORITHM, signing_key=settings.SECRET_KEY)


def issue(instructor: Instructor, *, now: datetime) -> str:
    claims = {
        "sub": instructor.email,
        "exp": now + timedelta(minutes=settings.ACCESS_TOKEN_EXPIRE_MINUTES),
        "iat": now,
        "jti": uuid.uuid4().hex,
        "pwd": stamp_of(instructor),
    }
    return _backend().encode(claims)


def claims_of(token: str) -> dict[str, Any]:
    """The verified claims of a token that is not revoked. One query. Raises BadToken."""
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
    """Whose token this is, active or not. Two queries. Raises BadToken."""
    return decode(token)[0]


def decode(token: str) -> tuple[Instructor, dict[str, Any]]:
    """Whose token this is, active or not, and its claims. Two queries. Raises BadToken."""
    claims = claims_of(token)
    found = Instructor.objects.with_email(claims["sub"])
    if found is None or not is_current(claims.get("pwd"), claims.get("jti"), issued_at(claims), found):
        raise BadToken
    return found, claims


def issued_at(claims: dict[str, Any]) -> float:
    """Seconds since the epoch; of a token that does not say, the earliest that its end allows."""
    lifetime = settings.ACCESS_TOKEN_EXPIRE_MINUTES * 60
    return float(claims["iat"] if "iat" in claims else claims["exp"] - lifetime)


def is_current(stamp: Any, jti: Any, issued: float, instructor: Instructor) -> bool:
    """Whether a token with this stamp was made under the present password, or made the change to it, and since the
    account was last switched on. A token without a stamp says by its time alone which side of that it is on."""
    if stamp is None:
        return instructor.revived_at is None or issued >= instructor.revived_at.timestamp()
    present = stamp_of(instructor)
    return constant_time_compare(str(stamp), present) or bool(jti and cache.get(_kept(jti)) == present)


def keep_current(token: str, *, instructor: Instructor) -> None:
    """The token by which the password was changed outlives the change: its client holds no other."""
    if jti := claims_of(token).get("jti"):
        cache.set(_kept(jti), stamp_of(instructor), settings.ACCESS_TOKEN_EXPIRE_MINUTES * 60)


def _kept(jti: Any) -> str:
    return f"token:kept:{jti}"


def revoke(token: str, *, instructor: Instructor) -> None:
    """End the token before its time, if it can be named."""
    claims = claims_of(token)
    if claims.get("jti"):
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        RevokedToken.objects.get_or_create(
            jti=claims["jti"], defaults={"instructor": instructor, "expires_at": expires_at}
        )


class BearerAuthentication(BaseAuthentication):
    """No or another kind of header: nobody. A token that opens nothing: 401. An inactive account: 403."""

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
