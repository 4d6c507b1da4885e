"""Throttling of API calls. RATE_LIMITS=0 switches it off, and the lockout (`instructors.lockout`) with it.

The event intake, the offline queue and health are not throttled: a 429 there loses data (http.md section 1.4). Keys:

    limit:calls:{ident}:{window}   integer  calls of an instructor or an address; expires with the window
"""

import hashlib
import logging
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from core.redis import short_timeout_client
from instructors.client_ip import address_of

if TYPE_CHECKING:  # REST framework imports this module while importing its own views
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class CallerThrottle(SimpleRateThrottle):
    """Limit calls to API_CALLS_PER_MINUTE, by instructor, or by client address where no login is required.

    Calls are counted by one INCR for a fixed window, and not at all while Redis is away: the list of times that REST
    framework keeps in the cache misses concurrent calls, is sent twice for each call, and fails with Redis.
    """

    scope = "calls"
    cache_format = "limit:%(scope)s:%(ident)s"
    num_requests: int  # both are set from the rate, if there is one
    duration: int
    remaining: int  # seconds until the window ends

    def get_rate(self) -> str | None:
        return f"{settings.API_CALLS_PER_MINUTE}/min" if settings.RATE_LIMITS else None

    def get_cache_key(self, request: Request, view: "APIView") -> str:
        # Accessing `request.user` would authenticate: only where a login is needed and no class key replaced it.
        is_login_needed = getattr(view, "is_login_needed", lambda: False)
        if is_login_needed() and getattr(view, "holder", None) is None:
            ident = str(request.user.pk)
        else:
            ident = hashlib.sha256(address_of(request).encode()).hexdigest()[:32]
        return self.cache_format % {"scope": self.scope, "ident": ident}

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if self.rate is None:
            return True
        window, passed = divmod(int(self.timer()), self.duration)
        self.remaining = self.duration - passed
        key = f"{self.get_cache_key(request, view)}:{window}"
        try:
            with _redis().pipeline(transaction=False) as pipe:
                pipe.incr(key)
                pipe.expire(key, self.duration, nx=True)
                count, _ = pipe.execute()
        except (RedisError, OSError) as error:
            logger.warning("API calls are not counted: Redis is not available (%s)", type(error).__name__)
            return True
        return int(count) <= self.num_requests

    def wait(self) -> float:
        return self.remaining


@cache
def _redis() -> "Redis":
    # No retries: counting must not delay the call.
    return short_timeout_client(timeout=1)
