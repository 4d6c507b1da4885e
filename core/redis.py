"""Clients of the Redis or Valkey that the settings name (`core.redis_address`).

All timeouts are in seconds. Clients made from an address do not retry. The pools of synchronous clients notice
connections that Redis has closed, as it does with all when it restarts; those of asynchronous ones do not, and fail at
the next command. With ASYNC_RECONNECT this command is sent once more, on a new connection.

Behind Sentinel each new connection asks the sentinels which server is the master. So after a failover everything goes
on by itself: connections to the former master end, because it is gone or because the sentinels make it a replica.
"""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any, cast

from django.conf import settings
from redis import Redis
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, NoScriptError, RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from core.redis_address import Options, RedisAddress, parse
from core.redis_cluster import AsyncClusterClients, cluster_client

ASYNC_RECONNECT = AsyncRetry(NoBackoff(), 1, supported_errors=(ConnectionError,))
# Of each sentinel. One that is gone costs a new connection so much, until another was asked successfully.
SENTINEL_TIMEOUT = 1.0
# Of connections to what may fail over, where nothing else is said: else they would wait for a dead machine for ever.
CONNECT_TIMEOUT = 2.0


def blocking_client(
    *,
    timeout: float,
    connect_timeout: float | None = None,
    health_check_interval: int = 0,
    url: str | None = None,
) -> Redis:
    """Return a client for synchronous code that waits for the answer. A blocking command must end before `timeout`."""
    return client_of(
        url or settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        health_check_interval=health_check_interval,
    )


def short_timeout_client(*, timeout: float, connect_timeout: float = 1, url: str | None = None) -> Redis:
    """Return a client for synchronous code that can do without Redis and must not be held up by it."""
    return client_of(url or settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=connect_timeout)


def async_client(
    *,
    timeout: float | None = None,
    connect_timeout: float | None = None,
    max_connections: int | None = None,
    reconnect: bool = False,
    url: str | None = None,
) -> "aioredis.Redis":
    """Return a client for one event loop."""
    address = parse(url or settings.REDIS_URL)
    options: Options = {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        "max_connections": max_connections,
        "retry": ASYNC_RECONNECT if reconnect else None,
    }
    if address.kind == "sentinel":
        return aioredis.Redis.from_pool(_async_master_pool(address, options))
    return aioredis.Redis.from_url(address.url, **options)


def async_cluster_clients(
    url: str, *, timeout: float, connect_timeout: float, max_connections: int
) -> AsyncClusterClients:
    """Return clients of a Cluster's masters for one event loop."""
    options = {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        "max_connections": max_connections,
    }
    address = parse(url)
    return AsyncClusterClients(address, _merged(address, options))


def client_of(url: str, **options: Any) -> Redis:
    """Return a synchronous client of any address. `options` are those of redis-py's connections."""
    address = parse(url)
    if address.kind == "cluster":
        return cluster_client(address, _merged(address, options))
    if address.kind == "sentinel":
        return Redis.from_pool(MasterPool.from_url(url, **options))
    return Redis.from_url(url, **options)


# --- Sentinel ---------------------------------------------------------------------------------------------------------


class _Sentinel(Sentinel):
    """Keeps no connections to the sentinels: they are asked when a connection to the master is made, which is rare."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            return cast(tuple[str, int], super().discover_master(service_name))  # type: ignore[no-untyped-call]
        finally:
            for sentinel in self.sentinels:
                sentinel.connection_pool.disconnect(inuse_connections=False)


class _AsyncSentinel(AsyncSentinel):
    async def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            return cast(tuple[str, int], await super().discover_master(service_name))
        finally:
            for sentinel in self.sentinels:
                await sentinel.connection_pool.disconnect(inuse_connections=False)


class MasterPool(SentinelConnectionPool):
    """Connections to whichever server is the master. The pool of Django's cache behind Sentinel, too."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> "MasterPool":
        address = parse(url)
        asked = _Sentinel(address.nodes, sentinel_kwargs=sentinel_options(address))  # type: ignore[no-untyped-call]
        return cls(address.master, asked, **_merged(address, options))


def _async_master_pool(address: RedisAddress, options: Options) -> AsyncSentinelConnectionPool:
    retry = AsyncRetry(NoBackoff(), 0)
    kwargs = {**sentinel_options(address), "retry": retry}
    asked = _AsyncSentinel(address.nodes, sentinel_kwargs=kwargs)  # type: ignore[no-untyped-call]
    merged = _merged(address, options)
    return AsyncSentinelConnectionPool(address.master, asked, **merged)  # type: ignore[no-untyped-call]


def sentinel_options(address: RedisAddress) -> Options:
    """Return the options of synchronous connections to the sentinels."""
    return {
        "socket_timeout": SENTINEL_TIMEOUT,
        "socket_connect_timeout": SENTINEL_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
        **address.sentinel_options,
    }


def _merged(address: RedisAddress, options: Options) -> Options:
    """Return the options of connections. What the address says wins, as with redis-py for one server."""
    given = {name: value for name, value in options.items() if value is not None}
    return {"socket_connect_timeout": CONNECT_TIMEOUT, **given, **address.options}


def why_no_master(url: str) -> str:
    """Ask every sentinel, and say in a sentence why none names a master. One round trip to each."""
    address = parse(url)
    known: set[str] = set()
    answered = 0
    for host, port in address.nodes:
        try:
            with Redis(host=host, port=port, **sentinel_options(address)) as sentinel:
                known |= set(cast(dict[str, Any], sentinel.sentinel_masters()))
                answered += 1
        except (RedisError, OSError):
            continue
    sentinels = ", ".join(f"{host}:{port}" for host, port in address.nodes)
    if not answered:
        return f"No sentinel answers at {sentinels}"
    if address.master not in known:
        names = ", ".join(sorted(known)) or "none"
        return f"The sentinels at {sentinels} know no master called {address.master!r}, but {names}"
    return f"The sentinels at {sentinels} see no living master {address.master!r} at the moment"


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
