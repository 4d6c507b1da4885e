"""Clients of the Redis server that the settings name.

All timeouts are in seconds. Clients made from an address do not retry. The pools of synchronous clients notice
connections that Redis has closed, as it does with all when it restarts; those of asynchronous ones do not, and fail at
the next command. With ASYNC_RECONNECT this command is sent once more, on a new connection.
"""

from django.conf import settings
from redis import Redis
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError

ASYNC_RECONNECT = AsyncRetry(NoBackoff(), 1, supported_errors=(ConnectionError,))


def blocking_client(*, timeout: float, connect_timeout: float | None = None, health_check_interval: int = 0) -> Redis:
    """Return a client for synchronous code that waits for the answer. A blocking command must end before `timeout`."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        health_check_interval=health_check_interval,
    )


def short_timeout_client(*, timeout: float, connect_timeout: float = 1) -> Redis:
    """Return a client for synchronous code that can do without Redis and must not be held up by it."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
    )


def async_client(
    *,
    timeout: float | None = None,
    connect_timeout: float | None = None,
    max_connections: int | None = None,
    reconnect: bool = False,
) -> "aioredis.Redis":
    """Return a client for one event loop."""
    return aioredis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        max_connections=max_connections,
        retry=ASYNC_RECONNECT if reconnect else None,
    )
