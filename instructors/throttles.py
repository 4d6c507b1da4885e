"""Throttling of API calls. RATE_LIMITS=0 switches it off, and the lockout (`instructors.lockout`) with it.

Windows are fixed, so that a count is one round trip. While Redis is not available, no call is counted or refused.
The event intake, the offline queue and health are not throttled: a 429 there loses data (http.md section 1.4). Keys:

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

if TYPE_CHECKING:  # REST framework imports this module while importing its own views
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
    """Limit calls to API_CALLS_PER_MINUTE, by instructor, or by client address where no login is required."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if not settings.RATE_LIMITS:
            return True
        # Accessing `request.user` would authenticate: only where a login is needed and no class key replaced it.
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
    """Increment the counter and return it; 0 while Redis is not available."""
    try:
        with _redis().pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.expire(key, seconds, nx=True)
            counted, _ = pipe.execute()
    except (RedisError, OSError) as error:
        logger.warning("API calls are not counted: Redis is not available (%s)", type(error).__name__)
        return 0
    return int(counted)


@cache
def _redis() -> "Redis":
    # No retries: counting must not delay the call.
    return short_timeout_client(timeout=1)
