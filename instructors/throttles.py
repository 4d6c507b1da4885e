"""Throttling of API calls. RATE_LIMITS=0 switches it off, and the lockout (`instructors.lockout`) with it.

The event intake, the offline queue and health are not throttled: a 429 there loses data (http.md section 1.4). Keys:

    limit:calls:{ident}:{window}             integer  calls of an instructor, a student's device or an address
    limit:failures:{kind}:{client}:{window}  integer  failures of a client address
    limit:known:{kind}:{target}:{client}     1        a client address that was right about this target before

The counters expire with their window, the last after KNOWN_SECONDS. Nothing is counted while Redis is away.
"""

import hashlib
import logging
import time
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from core.redis import short_timeout_client
from instructors.client_ip import address_of

if TYPE_CHECKING:  # REST framework imports this module while importing its own views
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

FAILURE_WINDOW = 300  # seconds
KNOWN_SECONDS = 12 * 60 * 60  # for which an address that was right counts as known: a day at school


class CallerThrottle(SimpleRateThrottle):
    """Limit calls to API_CALLS_PER_MINUTE, by instructor or student's device, or by client address where neither is
    known.

    Calls are counted by one INCR for a fixed window: the list of times that REST framework keeps in the cache misses
    concurrent calls, is sent twice for each call, and fails with Redis.
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
        holder = getattr(view, "holder", None)
        if device := getattr(holder, "token_id", None):
            ident = f"device-{device}"
        elif is_login_needed() and holder is None:
            ident = str(request.user.pk)
        else:
            ident = _digest(address_of(request))
        return self.cache_format % {"scope": self.scope, "ident": ident}

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if self.rate is None:
            return True
        window, passed = divmod(int(self.timer()), self.duration)
        self.remaining = self.duration - passed
        return _count(f"{self.get_cache_key(request, view)}:{window}", seconds=self.duration) <= self.num_requests

    def wait(self) -> float:
        return self.remaining


def refuse_after_failures(kind: str, client: str, *, limit: int) -> None:
    """Raise Throttled if this client address has failed `limit` times in this window. One round trip."""
    window, passed = divmod(int(time.time()), FAILURE_WINDOW)
    if settings.RATE_LIMITS and _counted(_failures(kind, client, window)) >= limit:
        raise Throttled(FAILURE_WINDOW - passed)


def count_failure(kind: str, client: str) -> None:
    """Count a failure of this client address. One round trip."""
    if settings.RATE_LIMITS:
        _count(_failures(kind, client, int(time.time()) // FAILURE_WINDOW), seconds=FAILURE_WINDOW)


def remember_client(kind: str, client: str, *, target: int) -> None:
    """Remember that this client address was right about the target: whoever shares it and fails, on purpose or not,
    shuts nobody else out (`refuse_stranger_after_failures`). One round trip."""
    try:
        _redis().set(_known(kind, client, target), 1, ex=KNOWN_SECONDS)
    except (RedisError, OSError) as error:
        logger.warning("A client address is not remembered: Redis is not available (%s)", type(error).__name__)


def refuse_stranger_after_failures(kind: str, client: str, *, target: int | None, limit: int) -> None:
    """Raise Throttled as `refuse_after_failures` does, unless this client address was right about the target before.

    `target` is what the caller was right about this time, None if they were wrong. A stranger hears the same whether
    they are right or wrong, so that guessing on gains nothing; guesses about a known target gain what is known.
    """
    try:
        refuse_after_failures(kind, client, limit=limit)
    except Throttled:
        if target is None or not _is_known(kind, client, target):
            raise


def _is_known(kind: str, client: str, target: int) -> bool:
    try:
        return bool(_redis().exists(_known(kind, client, target)))
    except (RedisError, OSError):
        return False


def _known(kind: str, client: str, target: int) -> str:
    return f"limit:known:{kind}:{target}:{_digest(client)}"


def _failures(kind: str, client: str, window: int) -> str:
    return f"limit:failures:{kind}:{_digest(client)}:{window}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _counted(key: str) -> int:
    """Return the counter; 0 while Redis is not available."""
    try:
        return int(_redis().get(key) or 0)
    except (RedisError, OSError):
        return 0


def _count(key: str, *, seconds: int) -> int:
    """Increment the counter and return it; 0 while Redis is not available."""
    try:
        with _redis().pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.expire(key, seconds, nx=True)
            count, _ = pipe.execute()
    except (RedisError, OSError) as error:
        logger.warning("API calls are not counted: Redis is not available (%s)", type(error).__name__)
        return 0
    return int(count)


@cache
def _redis() -> "Redis":
    # No retries: counting must not delay the call.
    return short_timeout_client(timeout=1)
