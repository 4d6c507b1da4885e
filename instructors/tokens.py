"""Bearer tokens of instructors: issued at login, verified on every call, revocable one by one.

HS256 with the claims `sub` (the e-mail), `exp`, `jti` (by which a token is revoked) and `pwd` (a stamp that changes
with the password and when the account is reactivated). Tokens without the last two are valid too. Source:
docs/contract/http.md section 1.2.
"""

from datetime import UTC, datetime
from typing import Any

from django.core.cache import cache
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from instructors.models import Instructor, RevokedToken

REFUSAL = "Could not validate credentials"


class BearerToken(AccessToken):
    """A token that is neither expired nor revoked. One query. Raises TokenError for any other text."""

    @property
    def jti(self) -> str:
        """The name by which the token is revoked; empty for a token that cannot be revoked by itself."""
        return str(self.get("jti") or "")

    @property
    def issued_at(self) -> float:
        """The time of issue in seconds since the epoch; without `iat`, the earliest that `exp` allows."""
        return float(self["iat"] if "iat" in self else self["exp"] - self.lifetime.total_seconds())

    def verify(self) -> None:
        """Check what decoding did not. Other programs that hold the key set neither type nor id."""
        if not isinstance(self.get("sub"), str) or "exp" not in self:
            raise TokenError(REFUSAL)
        if self.jti and RevokedToken.objects.filter(jti=self.jti).exists():
            raise TokenError(REFUSAL)

    def instructor(self) -> Instructor:
        """Return the account, active or not. One query. Raises TokenError if there is none or the token is outdated."""
        found = Instructor.objects.with_email(self["sub"])
        if found is None or not is_current(self.get("pwd"), self.jti, self.issued_at, found):
            raise TokenError(REFUSAL)
        return found

    def keep_current(self, instructor: Instructor) -> None:
        """Keep the token valid that just changed the password: its client has no other."""
        if self.jti:
            cache.set(_kept_key(self.jti), stamp_of(instructor), int(self.lifetime.total_seconds()))

    def revoke(self, instructor: Instructor) -> None:
        """Revoke the token. A token without `jti` cannot be revoked."""
        if self.jti:
            expires_at = datetime.fromtimestamp(self["exp"], UTC)
            RevokedToken.objects.get_or_create(
                jti=self.jti, defaults={"instructor": instructor, "expires_at": expires_at}
            )


def issue(instructor: Instructor, *, now: datetime) -> str:
    """Return a new token for the account, valid for ACCESS_TOKEN_EXPIRE_MINUTES."""
    token = BearerToken.for_user(instructor)
    token["pwd"] = stamp_of(instructor)
    token.set_iat(at_time=now)
    token.set_exp(from_time=now)
    return str(token)


def stamp_of(instructor: Instructor) -> str:
    """Return the `pwd` claim: a hash that changes with the password and when the account is reactivated."""
    return instructor.get_session_auth_hash()[:16]


def is_current(stamp: Any, jti: str, issued: float, instructor: Instructor) -> bool:
    """Return whether a token was issued under the current password and since the account was last reactivated.

    The token that changed the password is valid too (`keep_current`). A token without a stamp is judged by its time of
    issue alone.
    """
    if stamp is None:
        return instructor.revived_at is None or issued >= instructor.revived_at.timestamp()
    current = stamp_of(instructor)
    return constant_time_compare(str(stamp), current) or bool(jti and cache.get(_kept_key(jti)) == current)


def _kept_key(jti: str) -> str:
    return f"token:kept:{jti}"


class BearerAuthentication(JWTAuthentication):
    """Authenticate by `Authorization: Bearer`. No such header: anonymous. Invalid token: 401. Inactive account: 403."""

    def authenticate(self, request: Request) -> Any:
        try:
            return super().authenticate(request)
        except (AuthenticationFailed, TokenError):
            raise AuthenticationFailed(REFUSAL) from None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def get_header(self, request: Request) -> bytes:
        # The base class encodes as Latin-1, and fails at other letters, which Django's test client lets through.
        return str(request.META.get("HTTP_AUTHORIZATION", "")).encode()

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, _, token = header.partition(b" ")
        return token.strip() or None if scheme.lower() == b"bearer" else None

    def get_user(self, validated_token: Any) -> Any:
        found = validated_token.instructor()
        if not found.is_active:
            raise PermissionDenied("Inactive account")
        return found
