"""Clients of the Redis server that the settings name.

All timeouts are in seconds. `retries=None` leaves redis-py's own retries with their growing pauses; a number retries
that often, at once.
"""

from typing import Any

from django.conf import settings
from redis import Redis
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry


def blocking_client(*, timeout: float, connect_timeout: float | None = None, health_check_interval: int = 0) -> Redis:
    """Return a client for synchronous code that waits for the answer. A blocking command must end before `timeout`."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        health_check_interval=health_check_interval,
    )


def short_timeout_client(*, timeout: float, connect_timeout: float = 1, retries: int = 0) -> Redis:
    """Return a client for synchronous code that can do without Redis and must not be held up by it."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        retry=Retry(NoBackoff(), retries),
    )


def async_client(
    *,
    timeout: float | None = None,
    connect_timeout: float | None = None,
    max_connections: int | None = None,
    retries: int | None = None,
) -> "aioredis.Redis":
    """Return a client for one event loop."""
    options: dict[str, Any] = {} if retries is None else {"retry": AsyncRetry(NoBackoff(), retries)}
    return aioredis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        max_connections=max_connections,
        **options,
    )
