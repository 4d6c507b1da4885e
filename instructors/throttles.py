"""How often one caller may call. RATE_LIMITS=0 switches it off, and the lockout (`instructors.lockout`) with it.

Windows are fixed, so a count is one round trip; while Redis is away nobody is counted and everybody gets through.
Never for the event intake, the offline queue and health: a 429 there loses data (http.md section 1.4). Keys:

    limit:calls:{who}:{window}   integer  calls of an instructor or an address; expires with the window
"""

import hashlib
import logging
import time
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.redis import short_timeout_client
from instructors.client_ip import address_of

if TYPE_CHECKING:  # REST framework reads this module while its views are only half loaded
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

CALL_WINDOW = 60


class TooManyRequests(APIException):
    """429; `wait` becomes the Retry-After header."""

    status_code = 429
    default_detail = "Too many requests"

    def __init__(self, wait: int) -> None:
        super().__init__()
        self.wait = max(1, wait)


class CallerThrottle(BaseThrottle):
    """So many calls a minute for each instructor, or for each address where nobody has to log in."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if not settings.RATE_LIMITS:
            return True
        # Nobody is logged in where nobody has to be, nor where a class's key took the token's place.
        is_login_needed = getattr(view, "is_login_needed", lambda: False)
        is_known = is_login_needed() and getattr(view, "holder", None) is None
        who = str(request.user.pk) if is_known else _digest(address_of(request))
        window, passed = divmod(int(time.time()), CALL_WINDOW)
        if _count(f"limit:calls:{who}:{window}", seconds=CALL_WINDOW) > settings.API_CALLS_PER_MINUTE:
            raise TooManyRequests(CALL_WINDOW - passed)
        return True


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _count(key: str, *, seconds: int) -> int:
    """Count one more. Zero while Redis is away."""
    try:
        with _redis().pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.expire(key, seconds, nx=True)
            counted, _ = pipe.execute()
    except (RedisError, OSError) as error:
        logger.warning("Nothing is counted, Redis does not answer (%s)", type(error).__name__)
        return 0
    return int(counted)


@cache
def _redis() -> "Redis":
    # No second try: counting must never hold up what it counts.
    return short_timeout_client(timeout=1)
