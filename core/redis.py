"""Clients of the Redis server that the settings name.

All timeouts are in seconds. Clients made from an address do not retry. The pools of synchronous clients notice
connections that Redis has closed, as it does with all when it restarts; those of asynchronous ones do not, and fail at
the next command. With ASYNC_RECONNECT this command is sent once more, on a new connection.
"""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from django.conf import settings
from redis import Redis
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, NoScriptError

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


class Script:
    """A script that runs for every POST or batch: called by its digest, so that Redis need not read its text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    def call(self, redis: Redis, keys: Sequence[str], *args: Any) -> Any:
        """Run the script in one round trip; in two if Redis has forgotten it, as after a restart."""
        try:
            return redis.evalsha(self.digest, len(keys), *keys, *args)
        except NoScriptError:  # nothing was done
            return redis.eval(self.text, len(keys), *keys, *args)

    async def acall(self, redis: "aioredis.Redis", keys: Sequence[str], *args: Any) -> Any:
        """Do the same as `call`."""
        try:
            return await redis.evalsha(self.digest, len(keys), *keys, *args)
        except NoScriptError:
            return await redis.eval(self.text, len(keys), *keys, *args)

    async def acall_all(
        self, redis: "aioredis.Redis", calls: Sequence[tuple[Sequence[str], Sequence[Any]]]
    ) -> list[Any]:
        """Run the script for each pair of keys and arguments, all or none, in one round trip. Return the answers."""
        async with redis.pipeline(transaction=True) as pipe:
            for keys, args in calls:
                pipe.evalsha(self.digest, len(keys), *keys, *args)
            try:
                return await pipe.execute()
            except NoScriptError:  # all calls failed alike, so nothing was done
                pass
            for keys, args in calls:
                pipe.eval(self.text, len(keys), *keys, *args)
            return await pipe.execute()
